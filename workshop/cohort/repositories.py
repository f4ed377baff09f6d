"""A participant on the room's Git server: an account, a private repository with the kit, and two signed webhooks.

What exists is compared first, so a second run writes nothing and an interrupted one is continued. An account belongs
to a cohort by its e-mail address, which leads nowhere: accounts of other people are never changed. A repository that
has content is never written to.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

from workshop.cluster.bulk import every
from workshop.cohort.gitserver import GitRefused, GitServer
from workshop.cohort.provision import Report
from workshop.errors import ManifestError, SetupError
from workshop.manifests.objects import Object
from workshop.participants.names import Participant

REPOSITORY = "mlops-workshop"
LOGIN = "git-login"
WORKERS = 4
"""Participants at the same time: each password costs the server a tenth of a second of one core."""
_PAUSES = (0.2, 0.5, 1.0, 2.0, 4.0)
_DOMAIN = "mlops-workshop.invalid"
_LISTENERS = (("dev", "github", "github-webhook"), ("production", "production", "production-webhook"))
"""Where pushes go: a stage, its EventListener, and the Secret whose key `secret` signs."""


@dataclass(frozen=True)
class Webhook:
    """Where a push is announced, and with what it is signed."""

    url: str
    secret: str

    @property
    def config(self) -> dict[str, str]:
        """The address names the secret by its digest, because the server does not show a secret: a new one differs."""
        key = hashlib.sha256(self.secret.encode()).hexdigest()[:12]
        return {"url": f"{self.url}/?key={key}", "content_type": "json"}


async def refuse_foreign(server: GitServer, cohort: str, names: Sequence[str]) -> None:
    """Raises SetupError that lists every account which a participant needs and which is not this cohort's."""
    there = await _accounts(server)
    faults = [name for name in names if name in there and there[name] != _address(cohort, name)]
    if faults:
        raise SetupError(
            f"the Git server has accounts that are not of the cohort {cohort}: {', '.join(faults)}; "
            "nothing was written",
            hint="choose other names with --prefix or --from-file",
        )


async def provision(
    server: GitServer,
    kit: Path,
    cohort: str,
    names: Sequence[str],
    secrets: Mapping[str, Mapping[str, Object]],
    report: Report,
) -> int:
    """Give each participant what they lack, and return the number of changes.

    `secrets` are objects with their data, by participant and name. Raises ManifestError when the server refuses
    something, SetupError when it does not answer.
    """
    commit = await first_commit(kit)

    async def one(name: str) -> None:
        mine = secrets[name]
        password = _value(mine[LOGIN], "password")
        hooks = [
            Webhook(
                f"http://el-{listener}.{Participant(name).namespace(stage)}.svc.cluster.local:8080",
                _value(mine[secret], "secret"),
            )
            for stage, listener, secret in _LISTENERS
        ]

        async def bring() -> int:
            return (
                await _account(server, cohort, name, password)
                + await _repository(server, kit, name, commit)
                + await _webhooks(server, name, hooks)
            )

        written = await _settled(f"the account or the repository of {name}", bring)
        report("repository", {"name": name, "written": written})
        total.append(written)

    total: list[int] = []
    await every(names, one, workers=WORKERS)
    return sum(total)


async def accounts(server: GitServer, cohort: str) -> list[str]:
    """The accounts of a cohort, found by their e-mail addresses. Raises like GitServer.ask."""
    return [name for name, email in (await _accounts(server)).items() if email == _address(cohort, name)]


async def remove(server: GitServer, names: Sequence[str]) -> None:
    """Delete accounts with their repositories. Raises ManifestError when the server refuses, SetupError."""

    async def one(name: str) -> None:
        async def delete() -> int:
            if await server.find(f"/users/{quote(name)}") is None:
                return 0
            for repository in await server.list(f"/users/{quote(name)}/repos"):
                await server.ask("DELETE", f"/repos/{quote(str(repository['full_name']))}")
            await server.ask("DELETE", f"/admin/users/{quote(name)}", query={"purge": "true"})
            return 1

        await _settled(f"to delete the account {name}", delete)

    await every(names, one, workers=WORKERS)


async def first_commit(kit: Path) -> str:
    """A commit with the files of the kit's last commit and no history: the same one for everybody, and a small push.

    Raises SetupError when the kit is no Git clone.
    """
    date = await _git(kit, "log", "-1", "--format=%cI", "HEAD")
    who = {"NAME": "MLOps workshop", "EMAIL": f"kit@{_DOMAIN}", "DATE": date}
    env = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in who.items()}
    return await _git(kit, "commit-tree", "HEAD^{tree}", "-m", "Start with the workshop's kit", env=env)


async def _accounts(server: GitServer) -> dict[str, str]:
    return {str(one["login"]): str(one.get("email", "")) for one in await server.list("/admin/users")}


async def _settled(what: str, do: Callable[[], Awaitable[int]]) -> int:
    """Do what compares first, again while the server is busy: SQLite has one writer. Raises ManifestError."""
    for pause in (*_PAUSES, None):
        try:
            return await do()
        except GitRefused as e:
            if e.code < 500 or pause is None:
                raise ManifestError(
                    f"the Git server refuses {what}: {e}", hint="what was written stays; the same command goes on"
                ) from e
        await asyncio.sleep(pause)
    raise AssertionError


async def _account(server: GitServer, cohort: str, name: str, password: str) -> int:
    if await server.find(f"/users/{quote(name)}") is None:
        wanted = {"username": name, "email": _address(cohort, name), "password": password}
        await server.ask("POST", "/admin/users", {**wanted, "must_change_password": False})
    elif not await server.accepts(name, password):
        changed = {"source_id": 0, "login_name": name, "password": password, "must_change_password": False}
        await server.ask("PATCH", f"/admin/users/{quote(name)}", changed)
    else:
        return 0
    return 1


async def _repository(server: GitServer, kit: Path, name: str, commit: str) -> int:
    path, written = f"{quote(name)}/{REPOSITORY}", 0
    found = await server.find(f"/repos/{path}")
    if found is None:
        wanted = {"name": REPOSITORY, "private": True, "default_branch": "main", "auto_init": False}
        found = await server.ask("POST", f"/admin/users/{quote(name)}/repos", wanted)
        written += 1
    url = f"{server.url}/{path}.git"
    # The server notes a push some time after it.
    if found["empty"] and not await _git_as_administrator(server, kit, "ls-remote", url, "refs/heads/main"):
        await _git_as_administrator(server, kit, "push", "--quiet", url, f"{commit}:refs/heads/main")
        written += 1
    return written


async def _git_as_administrator(server: GitServer, kit: Path, verb: str, *words: str) -> str:
    """What git prints. Raises GitRefused (500) with its message."""
    # In the environment: other processes of this machine see the words of a command.
    config = {"http.extraHeader": server.push_header}
    if urlsplit(server.url).hostname in ("127.0.0.1", "localhost"):
        config["http.proxy"] = ""
    env = {"GIT_CONFIG_COUNT": str(len(config)), "GIT_TERMINAL_PROMPT": "0"}
    for index, (key, value) in enumerate(config.items()):
        env |= {f"GIT_CONFIG_KEY_{index}": key, f"GIT_CONFIG_VALUE_{index}": value}
    try:
        return await _git(kit, verb, *words, env=env)
    except SetupError as e:
        raise GitRefused(500, e.message) from e


async def _webhooks(server: GitServer, name: str, wanted: Sequence[Webhook]) -> int:
    path, written = f"/repos/{quote(name)}/{REPOSITORY}/hooks", 0
    found = {str(one["config"].get("url", "")): one for one in await server.list(path)}
    for hook in wanted:
        settings = {"active": True, "events": ["push"], "config": {**hook.config, "secret": hook.secret}}
        there = found.get(hook.config["url"])
        if there is None:
            # A hook with another key signs with a secret that is not valid any more.
            for url, old in found.items():
                if url.startswith(f"{hook.url}/"):
                    await server.ask("DELETE", f"{path}/{old['id']}")
            await server.ask("POST", path, {"type": "gitea", **settings})
        elif not there["active"] or there["events"] != ["push"]:
            await server.ask("PATCH", f"{path}/{there['id']}", settings)
        else:
            continue
        written += 1
    return written


def _address(cohort: str, name: str) -> str:
    """The e-mail address of an account; `.invalid` exists nowhere (RFC 2606)."""
    return f"{cohort}+{name}@{_DOMAIN}".lower()


def _value(secret: Object, key: str) -> str:
    return base64.b64decode(secret["data"][key]).decode()


async def _git(kit: Path, *words: str, env: Mapping[str, str] | None = None) -> str:
    """What git prints. Raises SetupError with its message."""
    process = await asyncio.create_subprocess_exec(
        "git",
        "-C",
        str(kit),
        *words,
        env={**os.environ, **(env or {})},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    if process.returncode != 0:
        raise SetupError(
            f"git {words[0]} failed in {kit}: {err.decode('utf-8', 'replace').strip()}",
            hint="the kit must be a Git clone; then the same command goes on",
        )
    return out.decode().strip()
