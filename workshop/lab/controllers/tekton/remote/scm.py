"""The API mode of the git resolver: one file of a repository, by the API of a Git server and with a token.

Sources: ResolveAPIGit in pkg/resolution/resolver/git/resolver.go of tektoncd/pipeline and docs/git-resolver.md; the
addresses are those of the drivers of jenkins-x/go-scm.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

import orjson

from workshop.lab.controllers.tekton.remote import web
from workshop.lab.controllers.tekton.remote.base import LARGEST, InvalidParams, Request, Resolved, ResolverError
from workshop.lab.controllers.tekton.remote.secrets import secret_value

_SYSTEM = "tekton-pipelines-resolvers"


@dataclass(frozen=True)
class _Server:
    """What differs between the kinds of Git servers; the texts are filled with the repository, the path and the ref."""

    default: str
    """The server without `serverURL`; empty when there is none."""
    api: str
    """The path of the API below `serverURL`."""
    header: Callable[[str], tuple[str, str]]
    """The header of a token."""
    content: str
    commit: str
    sha: str
    """The field of a commit with its id."""
    repository: str
    clone: str
    """The field of a repository with its address."""


def _bearer(token: str) -> tuple[str, str]:
    return "Authorization", f"Bearer {token}"


SERVERS = {
    "gitea": _Server(
        "", "/api/v1", lambda token: ("Authorization", f"token {token}"),
        "/repos/{repo}/contents/{path}?ref={ref}", "/repos/{repo}/git/commits/{ref}", "sha", "/repos/{repo}",
        "clone_url",
    ),
    "github": _Server(
        "https://api.github.com", "/api/v3", _bearer, "/repos/{repo}/contents/{path}?ref={ref}",
        "/repos/{repo}/commits/{ref}", "sha", "/repos/{repo}", "clone_url",
    ),
    "gitlab": _Server(
        "https://gitlab.com", "/api/v4", lambda token: ("PRIVATE-TOKEN", token),
        "/projects/{id}/repository/files/{file}?ref={ref}", "/projects/{id}/repository/commits/{ref}", "id",
        "/projects/{id}", "http_url_to_repo",
    ),
}  # fmt: skip
"""The kinds of servers by `scmType`."""


async def resolve(request: Request, config: Mapping[str, str], org: str, revision: str, path: str) -> Resolved:
    """The file at a revision of the repository of the params org and repo. Raises ResolverError."""
    repo = f"{org}/{request.params['repo']}"
    type_, server, address = _server(request, config)
    name, value = server.header(_token(request, config, address))
    names = {
        "repo": quote(repo), "id": quote(repo, safe=""), "path": quote(path), "file": quote(path, safe=""),
        "ref": quote(revision, safe=""),
    }  # fmt: skip

    async def get(place: str, what: str) -> Any:
        try:
            found = orjson.loads(await web.get(address + place.format(**names), what, {name: value}))
        except web.NotFound as e:
            raise ResolverError(f"{what}: {e}") from e
        except ValueError as e:
            raise ResolverError(f"{what}: the answer of {address} is no JSON: {e}") from e
        if not isinstance(found, dict):
            raise ResolverError(f"{what}: {path} of {repo} is a folder, or {address} is no {type_}")
        return found

    content = await get(server.content, "couldn't fetch resource content")
    try:
        data = base64.b64decode(content.get("content") or "")
    except (binascii.Error, TypeError) as e:
        raise ResolverError(f"couldn't fetch resource content: the content is not base64: {e}") from e
    if not data:
        raise ResolverError(f"no content for resource in {repo} {path}")
    ref = f"couldn't fetch the commit sha for the ref {revision} in the repo"
    commit = str((await get(server.commit, ref)).get(server.sha) or "")
    url = str((await get(server.repository, "couldn't fetch repository")).get(server.clone) or "")
    return Resolved(
        data[: LARGEST + 1],
        uri=f"git+{url}",
        digest={"sha1": commit},
        entry_point=path,
        annotations={
            "resolution.tekton.dev/content-type": "application/x-yaml",
            "resolution.tekton.dev/git-path": path,
            "resolution.tekton.dev/git-revision": commit,
            "resolution.tekton.dev/git-url": url,
            "resolution.tekton.dev/git-org": org,
            "resolution.tekton.dev/git-repo": request.params["repo"],
        },
    )


def _server(request: Request, config: Mapping[str, str]) -> tuple[str, _Server, str]:
    """The kind of the server, and the address of its API. Raises InvalidParams."""
    type_ = request.params.get("scmType") or config.get("scm-type") or "github"
    server = SERVERS.get(type_)
    if server is None:
        text = f'scmType "{type_}": the lab supports {", ".join(SERVERS)}; use one of them, the url, or a cluster'
        raise InvalidParams(f"failed to create SCM client: {text}")
    given = (request.params.get("serverURL") or config.get("server-url") or "").rstrip("/")
    if not given and not server.default:
        raise InvalidParams("failed to create SCM client: No git serverURL was specified")
    address = given or server.default
    if "://" not in address:
        address = f"https://{address}"
    if urlsplit(address).scheme not in ("http", "https"):
        raise InvalidParams(f"serverURL {given} is not a valid http(s) url")
    if address != "https://api.github.com" and not address.endswith(server.api):
        address += server.api
    return type_, server, address


def _token(request: Request, config: Mapping[str, str], address: str) -> str:
    """The token of the params' Secret, else that of the ConfigMap's. Raises ResolverError."""
    params = request.params
    if name := params.get("token"):
        return secret_value(request, name, params.get("tokenKey") or "token")
    given = params.get("serverURL")
    if given and given != config.get("server-url"):
        raise InvalidParams(
            f'custom serverURL "{given}" requires a token parameter; the system token cannot be sent to a non-default '
            "server URL"
        )
    for key in ("api-token-secret-name", "api-token-secret-key"):
        if not config.get(key):
            raise ResolverError(
                f"cannot get API token, required when specifying 'repo' param, '{key}' not specified in config; name a "
                f"Secret with a token for {address} in the param token"
            )
    namespace = config.get("api-token-secret-namespace") or _SYSTEM
    return secret_value(request, config["api-token-secret-name"], config["api-token-secret-key"], namespace)
