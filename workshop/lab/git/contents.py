"""What Gitea's API says of a repository, of a commit and of a file, which Tekton's git resolver asks with `repo`."""

from __future__ import annotations

import base64
from typing import Any

from workshop.lab.forge.git import Git, GitFailure
from workshop.lab.git.backend import Refused
from workshop.lab.git.payload import about

_NOT_TEXT = "\N{REPLACEMENT CHARACTER}"


async def repository(git: Git, url: str, owner: str) -> dict[str, Any]:
    """The repository whose page is `url`. Raises GitFailure."""
    return await about(git, url, owner)


async def commit(git: Git, url: str, revision: str) -> dict[str, Any]:
    """A commit by a branch, a tag or its id. Raises Refused, GitFailure."""
    sha = await _commit(git, revision)
    message = (await git("show", "-s", "--format=%B", sha)).rstrip("\n")
    return {"sha": sha, "html_url": f"{url}/commit/{sha}", "commit": {"message": message}}


async def file(git: Git, path: str, revision: str) -> dict[str, Any]:
    """A text file at a revision, by default of the default branch. Raises Refused."""
    sha = await _commit(git, revision or "HEAD")
    try:
        blob = (await git("rev-parse", "--verify", f"{sha}:{path}")).strip()
        text = await git.text(sha, path)
    except GitFailure as e:
        raise Refused(404, f"there is no file {path} at {sha[:12]}") from e
    if _NOT_TEXT in text:
        raise Refused(422, f"{path} is not UTF-8 text, and the lab's API reads no other files; clone the repository")
    raw = text.encode()
    return {
        "name": path.rpartition("/")[2], "path": path, "sha": blob, "type": "file", "size": len(raw),
        "encoding": "base64", "content": base64.b64encode(raw).decode(),
    }  # fmt: skip


async def _commit(git: Git, revision: str) -> str:
    sha = await git.commit(revision)
    if not sha:
        raise Refused(404, f"there is no revision {revision}")
    return sha
