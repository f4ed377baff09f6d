"""The part of Gitea's API that CI and Tekton's git resolver use.

Statuses of commits, pull requests, their labels and comments on them, and files:

    GET   /api/v1/repos/OWNER/NAME/commits/SHA/statuses      POST  .../statuses/SHA
    GET   /api/v1/repos/OWNER/NAME/pulls, .../pulls/N
    GET   /api/v1/repos/OWNER/NAME/issues/N/comments         POST  .../issues/N/comments
                                                             PATCH .../issues/comments/ID
    GET   /api/v1/repos/OWNER/NAME/issues/N/labels           POST, PUT .../issues/N/labels
    GET   /api/v1/repos/OWNER/NAME, .../contents/PATH?ref=REVISION, .../git/commits/REVISION

Writing needs the token of the repository's owner. Lists have one page.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import orjson

from workshop.lab.forge import requests, statuses
from workshop.lab.forge.git import GitFailure
from workshop.lab.forge.notice import Notice
from workshop.lab.forge.requests import MERGED, OPEN, Comment, MergeRequest, NoRequest
from workshop.lab.git import contents
from workshop.lab.git.backend import Refused
from workshop.lab.git.proposing import Proposals

PATH = re.compile(r"/api/v1/repos/(?P<owner>[a-z0-9-]+)/(?P<name>[A-Za-z0-9_][A-Za-z0-9._-]*)(?:/(?P<rest>.*))?")
MAX_BODY = 256 * 1024
"""Bytes of a request."""


class _Status(msgspec.Struct):
    state: str
    context: str = "default"
    description: str = ""
    target_url: str = ""


class _Comment(msgspec.Struct):
    body: str


class _Labels(msgspec.Struct):
    labels: list[str]


@dataclass(frozen=True)
class Asked:
    """One request: `rest` is the path below the repository, `user` who writes, empty without a token."""

    repository: Path
    url: str
    method: str
    rest: str
    user: str
    query: Mapping[str, str]
    body: Callable[[], Awaitable[bytes]]


async def answer(asked: Asked, proposals: Proposals) -> tuple[int, Any, Notice | None]:
    """The status, the JSON and the event of a request. Raises Refused."""
    if asked.method not in ("GET", "POST", "PATCH", "PUT"):
        raise Refused(405, f"{asked.method} is not a method of this API")
    if asked.method != "GET" and not asked.user:
        raise Refused(401, "writing needs the owner's token: Authorization: token TOKEN")
    parts = asked.rest.strip("/").split("/")
    try:
        match asked.method, parts:
            case "GET", [""]:
                return 200, await contents.repository(proposals.git, asked.url, proposals.user), None
            case "GET", ["contents", *path]:
                return 200, await contents.file(proposals.git, "/".join(path), asked.query.get("ref", "")), None
            case "GET", ["git", "commits", *revision]:
                return 200, await contents.commit(proposals.git, asked.url, "/".join(revision)), None
            case "GET", ["commits", sha, "statuses"]:
                return 200, [_status(one) for one in statuses.statuses(asked.repository, sha)], None
            case "POST", ["statuses", sha]:
                return await _set_status(asked, sha)
            case "GET", ["pulls"]:
                state = asked.query.get("state", OPEN)
                every = requests.every(asked.repository)
                return 200, [_pull(asked, one) for one in every if state in ("all", _state(one))], None
            case "GET", ["pulls", number]:
                return 200, _pull(asked, _found(asked, number)), None
            case "GET", ["issues", number, "comments"]:
                return 200, [_comment(asked, one) for one in _found(asked, number).comments], None
            case "POST", ["issues", number, "comments"]:
                return await _write(asked, proposals, _found(asked, number).number)
            case "GET", ["issues", number, "labels"]:
                return 200, _labels(_found(asked, number)), None
            case "POST" | "PUT", ["issues", number, "labels"]:
                return await _label(asked, proposals, _found(asked, number))
            case "PATCH", ["issues", "comments", comment] if comment.isdecimal():
                return await _write(asked, proposals, requests.request_of(int(comment)), int(comment))
    except NoRequest as e:
        raise Refused(404, str(e)) from e
    except (msgspec.DecodeError, ValueError) as e:
        raise Refused(422, str(e)) from e
    except (GitFailure, OSError) as e:
        raise Refused(500, str(e)) from e
    raise Refused(404, f"{asked.method} {asked.rest} is not in the lab's part of Gitea's API")


async def _set_status(asked: Asked, sha: str) -> tuple[int, Any, None]:
    given = msgspec.json.decode(await asked.body(), type=_Status)
    made = statuses.Status(given.context, given.state, given.description, given.target_url)
    statuses.report(asked.repository, sha, made)
    found = next(one for one in statuses.statuses(asked.repository, sha) if one.context == given.context)
    return 201, _status(found), None


async def _write(asked: Asked, proposals: Proposals, number: int, comment: int = 0) -> tuple[int, Any, Notice | None]:
    given = msgspec.json.decode(await asked.body(), type=_Comment)
    made, notice = await proposals.comment(number, given.body, asked.user, comment)
    # As Gitea, an edited comment starts nothing.
    return (200, _comment(asked, made), None) if comment else (201, _comment(asked, made), notice)


async def _label(asked: Asked, proposals: Proposals, request: MergeRequest) -> tuple[int, Any, Notice]:
    """POST adds labels, PUT replaces them."""
    given = msgspec.json.decode(await asked.body(), type=_Labels).labels
    labels = given if asked.method == "PUT" else [*request.labels, *given]
    made, notice = await proposals.label(request.number, labels)
    return 200, _labels(made), notice


def _found(asked: Asked, number: str) -> MergeRequest:
    found = requests.get(asked.repository, int(number)) if number.isdecimal() else None
    if found is None:
        raise Refused(404, f"there is no pull request {number}")
    return found


def _state(request: MergeRequest) -> str:
    return OPEN if request.state == OPEN else "closed"


def _labels(request: MergeRequest) -> list[dict[str, Any]]:
    return [{"name": one} for one in request.labels]


def _status(status: statuses.Status) -> dict[str, Any]:
    known = {**orjson.loads(msgspec.json.encode(status)), "status": status.state}
    return {key: value for key, value in known.items() if key != "state"}


def _pull(asked: Asked, request: MergeRequest) -> dict[str, Any]:
    return {
        "number": request.number,
        "title": request.title,
        "body": request.body,
        "state": _state(request),
        "merged": request.state == MERGED,
        "html_url": f"{asked.url}/pulls/{request.number}",
        "user": {"login": request.author},
        "comments": len(request.comments),
        "labels": _labels(request),
        "created_at": request.created,
        "updated_at": request.updated,
        "head": {"ref": request.source, "sha": request.head},
        "base": {"ref": request.target, "sha": request.base},
    }


def _comment(asked: Asked, comment: Comment) -> dict[str, Any]:
    return {
        "id": comment.id,
        "body": comment.body,
        "user": {"login": comment.user},
        "html_url": f"{asked.url}/pulls/{requests.request_of(comment.id)}",
        "created_at": comment.created,
        "updated_at": comment.updated,
    }
