"""What the Git server tells its receivers in this process about a push, a merge request or a comment."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

PUSH, PULL_REQUEST, COMMENT = "push", "pull_request", "issue_comment"


@dataclass(frozen=True)
class Changed:
    """The paths that an event changes."""

    added: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()
    modified: tuple[str, ...] = ()
    renamed: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[str, ...]:
        """All of them, each once."""
        return tuple(dict.fromkeys((*self.added, *self.modified, *self.deleted, *self.renamed)))


@dataclass(frozen=True)
class Notice:
    """One event: the body with the field names of Gitea and GitHub, and the headers with canonical names.

    `message` is that of the newest commit, `changed` what it changes; both only for a merge request.
    """

    event: str
    body: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)
    message: str = ""
    changed: Changed = Changed()


@dataclass(frozen=True)
class Accepted:
    """What an incoming webhook starts."""

    pipeline: str
    branch: str


class Refusal(Exception):
    """An incoming webhook is not accepted."""


Incoming = Callable[[bytes], Awaitable[Accepted]]
"""Takes the body of an incoming webhook. Raises Refusal."""
Notify = Callable[[Notice], Awaitable[None]]
