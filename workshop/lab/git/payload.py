"""The body of a push event, with GitHub's field names.

It contains at most the newest 20 commits. `head_commit` is the commit of the ref (for an annotated tag the tagged
commit, while `after` is the tag itself), and null when the ref was deleted. Numbers that only GitHub has, such as ids,
are left out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workshop.lab.git.pushes import NOBODY, Change

MAX_COMMITS = 20
_FORMAT = "%x00".join(("%H", "%T", "%cI", "%an", "%ae", "%cn", "%ce", "%B"))
_LETTERS = {"A": "added", "D": "removed"}


class GitFailure(RuntimeError):
    """A git command failed. The text is git's own."""


async def payload(repository: Path, url: str, user: str, change: Change, env: Mapping[str, str]) -> dict[str, Any]:
    """The event for one changed ref. `url` is the address of the repository without `.git`. Raises GitFailure."""
    git = _Git(repository, env)
    created, deleted = change.before == NOBODY, change.after == NOBODY
    is_branch = change.ref.startswith("refs/heads/")
    commits: list[dict[str, Any]] = []
    if is_branch and not deleted:
        spread = (
            [f"{change.before}..{change.after}"]
            if not created
            else [
                change.after,
                "--not",
                f"--exclude={change.ref}",
                "--all",
            ]
        )
        listed = await git("rev-list", "--reverse", f"--max-count={MAX_COMMITS}", *spread)
        commits = [await _commit(git, url, sha) for sha in listed.split()]
    forced = (
        not (created or deleted) and await git.code("merge-base", "--is-ancestor", change.before, change.after) == 1
    )
    head = None
    if not deleted:
        peeled = (await git("rev-parse", f"{change.after}^{{commit}}")).strip()
        head = next((c for c in commits if c["id"] == peeled), None) or await _commit(git, url, peeled)
    name = url.rpartition("/")[2]
    owner = {"name": user, "login": user}
    span = f"{change.before[:12]}...{change.after[:12]}"
    return {
        "ref": change.ref,
        "before": change.before,
        "after": change.after,
        "base_ref": None,
        "created": created,
        "deleted": deleted,
        "forced": forced,
        "compare": f"{url}/compare/{span}",
        "repository": {
            "name": name,
            "full_name": f"{user}/{name}",
            "private": True,
            "owner": owner,
            "html_url": url,
            "url": url,
            "clone_url": f"{url}.git",
            "default_branch": await _default_branch(git),
        },
        "pusher": {"name": user, "email": f"{user}@example.com"},
        "sender": {"login": user, "type": "User"},
        "commits": commits,
        "head_commit": head,
    }


async def _commit(git: _Git, url: str, sha: str) -> dict[str, Any]:
    shown = await git("show", "-s", f"--format={_FORMAT}", sha)
    id_, tree, when, author, author_mail, committer, committer_mail, message = shown.split("\0", 7)
    files: dict[str, list[str]] = {"added": [], "removed": [], "modified": []}
    raw = await git(
        "diff-tree",
        "--no-commit-id",
        "--name-status",
        "--no-renames",
        "--root",
        "-r",
        "-z",
        "-m",
        "--first-parent",
        sha,
    )
    words = raw.split("\0")
    for letter, name in zip(words[::2], words[1::2], strict=False):
        files[_LETTERS.get(letter, "modified")].append(name)
    return {
        "id": id_,
        "tree_id": tree,
        "distinct": True,
        "message": message.rstrip("\n"),
        "timestamp": when,
        "url": f"{url}/commit/{id_}",
        "author": {"name": author, "email": author_mail, "username": author},
        "committer": {"name": committer, "email": committer_mail, "username": committer},
        **files,
    }


async def _default_branch(git: _Git) -> str:
    return (await git("symbolic-ref", "--short", "HEAD")).strip()


class _Git:
    """Run git in one repository and return its output."""

    def __init__(self, repository: Path, env: Mapping[str, str]) -> None:
        self._repository = repository
        self._env = {
            **{name: env[name] for name in ("PATH", "LANG", "LC_ALL", "TZ") if name in env},
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "HOME": "/dev/null",
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "safe.directory",
            "GIT_CONFIG_VALUE_0": "*",
        }

    async def __call__(self, *words: str) -> str:
        code, out, err = await self._run(*words)
        if code != 0:
            raise GitFailure(f"git {' '.join(words[:2])} failed in {self._repository.name}: {err.strip()}")
        return out

    async def code(self, *words: str) -> int:
        return (await self._run(*words))[0]

    async def _run(self, *words: str) -> tuple[int, str, str]:
        process = await asyncio.create_subprocess_exec(
            "git",
            "--git-dir",
            str(self._repository),
            *words,
            env=self._env,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        return process.returncode or 0, out.decode("utf-8", "replace"), err.decode("utf-8", "replace")
