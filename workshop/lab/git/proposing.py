"""Merge requests from pushes, and the events about them.

`git push -o merge_request.create` opens one, with the push options of GitLab: participants know them, the branch stays
an ordinary branch, and the same command works there. Gitea's `git push origin HEAD:refs/for/main` needs a ref that is
no branch. A push to the source updates a merge request; a push of its commits to the target merges it, as `git merge`
and `git push` do; deleting the source closes it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from workshop.lab.forge import requests
from workshop.lab.forge.git import Git
from workshop.lab.forge.notice import COMMENT, PULL_REQUEST, Changed, Notice
from workshop.lab.forge.records import moment
from workshop.lab.forge.requests import CLOSED, MERGED, OPEN, MergeRequest, RequestError
from workshop.lab.git.payload import about
from workshop.lab.git.pushes import NOBODY, Change

HEADS = "refs/heads/"
_KINDS = {"A": "added", "D": "deleted", "R": "renamed"}


class Proposals:
    """The merge requests of one repository of the Git server. `url` is its page, `user` its owner."""

    def __init__(self, repository: Path, url: str, user: str, env: Mapping[str, str]) -> None:
        self._repository, self._url, self.user = repository, url, user
        self.git = Git(repository, env)

    async def after(self, change: Change, options: Mapping[str, str]) -> list[Notice]:
        """Update the merge requests after a push, and return the events. Raises RequestError, GitFailure, OSError."""
        if not change.ref.startswith(HEADS):
            return []
        branch, deleted = change.ref.removeprefix(HEADS), change.after == NOBODY
        found = []
        for request in requests.every(self._repository):
            if request.state != OPEN:
                continue
            if request.target == branch and not deleted and await self.git.is_ancestor(request.head, change.after):
                found.append(await self._changed(request, "closed", state=MERGED))
            elif request.source == branch and deleted:
                found.append(await self._changed(request, "closed", state=CLOSED))
            elif request.source == branch and request.head != change.after:
                found.append(await self._changed(request, "synchronized", head=change.after))
        if requests.CREATE in options and not deleted:
            found += await self._opened(branch, change.after, options)
        return found

    async def comment(self, number: int, body: str, user: str, comment: int = 0) -> tuple[requests.Comment, Notice]:
        """Write a comment, or replace one. Raises RequestError, GitFailure, OSError."""
        made = requests.commented(self._repository, number, user, body, comment)
        request = requests.get(self._repository, number)
        assert request is not None
        more = {"comment": {"id": made.id, "body": body, "user": {"login": user}}, "issue": {"number": number}}
        return made, await self._notice(COMMENT, request, "edited" if comment else "created", more)

    async def label(self, number: int, labels: Sequence[str]) -> tuple[MergeRequest, Notice]:
        """Give a merge request these labels and no others. Raises RequestError, GitFailure, OSError."""
        made = requests.labelled(self._repository, number, labels)
        return made, await self._notice(PULL_REQUEST, made, "label_updated")

    async def _opened(self, branch: str, head: str, options: Mapping[str, str]) -> list[Notice]:
        target = options.get(requests.TARGET) or (await self.git("symbolic-ref", "--short", "HEAD")).strip()
        base = await self.git.commit(HEADS + target)
        if not base:
            raise RequestError(f"there is no branch {target} to merge into")
        known = requests.every(self._repository)
        labels = options.get(requests.LABEL, "").splitlines()
        for one in known:
            if one.state == OPEN and (one.source, one.target) == (branch, target):
                new = [label for label in labels if label not in one.labels]
                return [(await self.label(one.number, [*one.labels, *new]))[1]] if new else []
        title = options.get(requests.TITLE) or (await self.git("show", "-s", "--format=%s", head)).strip()
        body = options.get(requests.DESCRIPTION, "")
        made = requests.opened(self._repository, (branch, target), (head, base), self.user, title, body)
        if labels:
            made = requests.labelled(self._repository, made.number, labels)
        return [await self._notice(PULL_REQUEST, made, "opened")]

    async def _changed(self, request: MergeRequest, action: str, **fields: str) -> Notice:
        changed = msgspec.structs.replace(request, updated=moment(), **fields)
        requests.save(self._repository, changed)
        return await self._notice(PULL_REQUEST, changed, action)

    async def _notice(
        self, event: str, request: MergeRequest, action: str, more: Mapping[str, Any] | None = None
    ) -> Notice:
        repository = await about(self.git, self._url, self.user)
        body = {
            "action": action,
            "number": request.number,
            "pull_request": {
                "number": request.number,
                "title": request.title,
                "body": request.body,
                "state": OPEN if request.state == OPEN else CLOSED,
                "merged": request.state == MERGED,
                "html_url": f"{self._url}/pulls/{request.number}",
                "user": {"login": request.author},
                "labels": [{"name": label} for label in request.labels],
                "head": {"ref": request.source, "sha": request.head, "repo": repository},
                "base": {"ref": request.target, "sha": request.base, "repo": repository},
            },
            "repository": repository,
            "sender": {"login": self.user},
            **(more or {}),
        }
        message = await self.git("show", "-s", "--format=%B", request.head)
        headers = {"X-Gitea-Event": event, "X-Gitea-Event-Type": event, "X-Github-Event": event}
        return Notice(event, body, headers, message, await self._changed_files(request))

    async def _changed_files(self, request: MergeRequest) -> Changed:
        """What the source changes since it left the target; nothing if the target's branch is gone."""
        target = await self.git.commit(HEADS + request.target)
        if not target:
            return Changed()
        raw = await self.git("diff", "--name-status", "-z", "-M", f"{target}...{request.head}")
        words = iter(raw.split("\0"))
        found: dict[str, list[str]] = {}
        for letter in words:
            if not letter:
                break
            name = next(words)
            if letter[0] in "RC":
                name = next(words)
            found.setdefault(_KINDS.get(letter[0], "modified"), []).append(name)
        return Changed(**{kind: tuple(names) for kind, names in found.items()})
