"""Git commands in one bare repository."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from pathlib import Path

MAX_FILE = 1024 * 1024
"""Bytes of a file that is read from a commit."""
_NAME = re.compile(r"([a-z0-9-]+/)?[A-Za-z0-9_][A-Za-z0-9._-]*")


class GitFailure(RuntimeError):
    """A git command failed. The text is git's own."""


def folder_at(root: Path, address: str, url: str) -> Path | None:
    """The bare repository below `root` whose page on the server at `address` is `url`, None if there is none."""
    name = url.removeprefix(f"{address}/") if url.startswith(f"{address}/") else ""
    folder = root / f"{name}.git"
    return folder if _NAME.fullmatch(name) and (folder / "HEAD").is_file() else None


class Git:
    """Run git in one repository and return its output. `env` gives PATH and the locale."""

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
        """The output of a command. Raises GitFailure."""
        code, out, err = await self._run(*words)
        if code != 0:
            raise GitFailure(f"git {' '.join(words[:2])} failed in {self._repository.name}: {err.strip()}")
        return out

    async def code(self, *words: str) -> int:
        """The exit code of a command."""
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

    async def commit(self, revision: str) -> str:
        """The commit of a revision, 40 hex digits; empty if there is none."""
        words = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
        code, out, _ = await self._run(*words)
        return out.strip() if code == 0 else ""

    async def files(self, revision: str, folder: str) -> list[str]:
        """The paths of all files below a folder at a revision; none if the folder does not exist."""
        listed = await self("ls-tree", "-r", "-z", "--name-only", revision, "--", f"{folder}/")
        return [name for name in listed.split("\0") if name]

    async def text(self, revision: str, path: str) -> str:
        """A file at a revision. Raises GitFailure if it is not there or has more than MAX_FILE bytes."""
        name = f"{revision}:{path}"
        if int(await self("cat-file", "-s", name)) > MAX_FILE:
            raise GitFailure(f"{path} has more than {MAX_FILE} bytes")
        return await self("cat-file", "blob", name)

    async def is_ancestor(self, older: str, newer: str) -> bool:
        """Whether one commit is in the history of another."""
        return await self.code("merge-base", "--is-ancestor", older, newer) == 0
