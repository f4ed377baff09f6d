"""The body of a push event, with GitHub's field names.

It contains at most the newest 20 commits. `head_commit` is the commit of the ref (for an annotated tag the tagged
commit, while `after` is the tag itself), and null when the ref was deleted. Numbers that only GitHub has, such as ids,
are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workshop.lab.forge.git import Git
from workshop.lab.git.pushes import NOBODY, Change

MAX_COMMITS = 20
_FORMAT = "%x00".join(("%H", "%T", "%cI", "%an", "%ae", "%cn", "%ce", "%B"))
_LETTERS = {"A": "added", "D": "removed"}


async def payload(repository: Path, url: str, user: str, change: Change, env: Mapping[str, str]) -> dict[str, Any]:
    """The event for one changed ref. `url` is the address of the repository without `.git`. Raises GitFailure."""
    git = Git(repository, env)
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
        "repository": await about(git, url, user),
        "pusher": {"name": user, "email": f"{user}@example.com"},
        "sender": {"login": user, "type": "User"},
        "commits": commits,
        "head_commit": head,
    }


async def about(git: Git, url: str, user: str) -> dict[str, Any]:
    """The repository in the body of every event. Raises GitFailure."""
    name = url.rpartition("/")[2]
    return {
        "name": name,
        "full_name": f"{user}/{name}",
        "private": True,
        "owner": {"name": user, "login": user},
        "html_url": url,
        "url": url,
        "clone_url": f"{url}.git",
        "default_branch": await _default_branch(git),
    }


async def _commit(git: Git, url: str, sha: str) -> dict[str, Any]:
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


async def _default_branch(git: Git) -> str:
    return (await git("symbolic-ref", "--short", "HEAD")).strip()
