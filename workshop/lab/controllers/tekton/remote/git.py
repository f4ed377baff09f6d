"""The git resolver: a file of a repository at a revision.

Any URL or path that git reads on this machine works, also the lab's own Git server. Git uses no credentials but the
token of a Secret that the params name. With `repo` the file comes from the API of a Git server (`scm`).
Source: pkg/resolution/resolver/git of tektoncd/pipeline.
"""

from __future__ import annotations

import asyncio
import base64
import os
import re
from pathlib import Path, PurePosixPath

from workshop.lab.controllers.tekton.remote import scm
from workshop.lab.controllers.tekton.remote.base import LARGEST, InvalidParams, Request, Resolved, ResolverError
from workshop.lab.controllers.tekton.remote.secrets import secret_value

_URL = re.compile(r"([^@]+@[^:]+|(git|ssh|ftps?|https?|file)://|/)")
_PASSED_ON = ("PATH", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "SSL_CERT_FILE")


async def resolve(request: Request) -> Resolved:
    """The file at the params url, or org and repo, revision and pathInRepo. Raises ResolverError."""
    params, config = request.params, _config(request)
    url, repo = params.get("url", ""), params.get("repo", "")
    if url and repo:
        raise InvalidParams("cannot specify both 'url' and 'repo'")
    url = url or ("" if repo else config.get("default-url", ""))
    if not url and not repo:
        raise InvalidParams("must specify one of 'url' or 'repo'")
    org = params.get("org") or config.get("default-org", "")
    if repo and not org:
        raise InvalidParams("'org' is required when 'repo' is specified")
    revision = params.get("revision") or config.get("default-revision", "main")
    request.required("git resolver", "pathInRepo")
    if revision.startswith("-"):
        raise InvalidParams(f"invalid revision \"{revision}\": must not begin with '-'")
    if url and not _URL.match(url):
        raise InvalidParams(f"invalid git repository url: {url}")
    path = params["pathInRepo"].lstrip("/")
    if ".." in PurePosixPath(path).parts:
        raise InvalidParams(f"invalid path \"{path}\": must not contain '..' components")
    if repo:
        return await scm.resolve(request, config, org, revision, path)
    return await _read(request, url, revision, path)


def _config(request: Request) -> dict[str, str]:
    """The settings of the param `configKey`, whose keys begin with it, by default those of `default`.

    Raises InvalidParams.
    """
    chosen = request.params.get("configKey", "default")
    plain = {key: value for key, value in request.config.items() if "." not in key} if chosen == "default" else {}
    named = {
        key.removeprefix(f"{chosen}."): value for key, value in request.config.items() if key.startswith(f"{chosen}.")
    }
    if not plain and not named and chosen != "default":
        raise InvalidParams(f"no git resolver configuration found for configKey {chosen}")
    return plain | named


async def _read(request: Request, url: str, revision: str, path: str) -> Resolved:
    env = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    env |= {
        "GIT_ALLOW_PROTOCOL": "file:ftp:ftps:git:http:https:ssh",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_SSH_COMMAND": "ssh -oBatchMode=yes",
        "GIT_TERMINAL_PROMPT": "0",
        "HOME": str(request.folder),
    }
    options = []
    if token := request.params.get("gitToken"):
        password = secret_value(request, token, request.params.get("gitTokenKey") or "token")
        pair = base64.urlsafe_b64encode(f"git:{password}".encode()).decode()
        env["GIT_AUTH_HEADER"] = f"Authorization: Basic {pair}"
        options = ["--config-env=http.extraHeader=GIT_AUTH_HEADER"]
    clone = request.folder / "clone"
    clone.mkdir()

    async def git(*args: str) -> bytes:
        return await _git(clone, env, options, *args)

    try:
        await git("clone", "--depth=1", "--no-checkout", "--", url, str(clone))
    except ResolverError as e:
        why = "clone error: authentication required" if "could not read Username" in str(e) else e
        raise ResolverError(f"error resolving repository: {why}") from e
    await git("fetch", "origin", "--depth=1", "--", revision)
    await git("checkout", "FETCH_HEAD")
    commit = (await git("rev-list", "-n1", "HEAD")).decode().strip()
    return Resolved(
        _content(clone, path),
        uri=f"git+{url}",
        digest={"sha1": commit},
        entry_point=path,
        annotations={
            "resolution.tekton.dev/content-type": "application/x-yaml",
            "resolution.tekton.dev/git-path": path,
            "resolution.tekton.dev/git-revision": commit,
            "resolution.tekton.dev/git-url": url,
        },
    )


async def _git(clone: Path, env: dict[str, str], options: list[str], command: str, *args: str) -> bytes:
    """The output of git. Raises ResolverError with its messages; a cancelled call ends it."""
    try:
        process = await asyncio.create_subprocess_exec(
            "git", "-C", str(clone), *options, command, *args,
            env=env, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
    except OSError as e:
        raise ResolverError(f"git {command} error: {e}") from e
    try:
        out, err = await process.communicate()
    except asyncio.CancelledError:
        process.kill()
        await process.wait()
        raise
    if process.returncode:
        said = err.decode(errors="replace").strip()
        raise ResolverError(f"git {command} error: {said}: exit status {process.returncode}")
    return out


def _content(clone: Path, path: str) -> bytes:
    """A file of the clone, also through symbolic links that stay in it. Raises ResolverError."""
    start = f'error opening file "{path}": '
    try:
        real = (clone / path).resolve(strict=True)
        if not real.is_relative_to(clone.resolve()):
            raise ResolverError(
                f'{start}path "{path}" attempts to escape the repository directory (possible path traversal attack)'
            )
        with real.open("rb") as file:
            return file.read(LARGEST + 1)
    except FileNotFoundError as e:
        raise ResolverError(f"{start}file does not exist") from e
    except OSError as e:
        raise ResolverError(f"{start}{e.strerror}") from e
