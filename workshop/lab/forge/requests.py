"""Merge requests: a branch that asks to be merged into another, with comments; one file of the repository for each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from workshop.lab.forge.records import moment, read, write

FOLDER = "lab-merge-requests"
MAX_REQUESTS, MAX_COMMENTS, MAX_COMMENT, MAX_TITLE = 1000, 100, 64 * 1024, 255
MAX_LABELS, MAX_LABEL = 100, 50
_IDS = 1000
"""Comments of a merge request N have the ids N * 1000 + 1, N * 1000 + 2, ...: an id alone says where it is."""
OPEN, MERGED, CLOSED = "open", "merged", "closed"
CREATE, TARGET, TITLE, DESCRIPTION, LABEL = (
    f"merge_request.{name}" for name in ("create", "target", "title", "description", "label")
)
"""Push options, with GitLab's names. Several labels are options of their own."""
OPTIONS = (CREATE, TARGET, TITLE, DESCRIPTION, LABEL)


class RequestError(ValueError):
    """A merge request cannot be made or changed."""


class NoRequest(RequestError):
    """There is no such merge request, or no such comment."""


class Comment(msgspec.Struct, frozen=True):
    """One comment, Markdown."""

    id: int
    user: str
    body: str
    created: str
    updated: str


class MergeRequest(msgspec.Struct, frozen=True):
    """A merge request. `head` and `base` are commits: of the source at its last push, of the target at the first."""

    number: int
    title: str
    source: str
    target: str
    head: str
    base: str
    author: str
    created: str
    updated: str
    body: str = ""
    state: str = OPEN
    comments: tuple[Comment, ...] = ()
    labels: tuple[str, ...] = ()


def options_of(words: Sequence[str]) -> dict[str, str]:
    """Push options by name, labels one a line. Raises RequestError for one that the lab does not have."""
    found: dict[str, str] = {}
    for word in words:
        name, _, value = word.partition("=")
        if name not in OPTIONS:
            raise RequestError(f"the push option {name} does not exist here; allowed: {', '.join(OPTIONS)}")
        found[name] = f"{found[name]}\n{value}" if name == LABEL and name in found else value
    return found


def every(repository: Path) -> list[MergeRequest]:
    """All merge requests, the newest first."""
    folder = repository / FOLDER
    numbers = sorted((int(file.stem) for file in folder.glob("*.json") if file.stem.isdecimal()), reverse=True)
    return [found for number in numbers if (found := get(repository, number)) is not None]


def get(repository: Path, number: int) -> MergeRequest | None:
    """One merge request by its number."""
    return read(repository / FOLDER / f"{number}.json", MergeRequest)


def opened(
    repository: Path, branches: tuple[str, str], commits: tuple[str, str], author: str, title: str, body: str
) -> MergeRequest:
    """Open a merge request: the branches and commits of its source and target. Raises RequestError, OSError."""
    (source, target), (head, base) = branches, commits
    if source == target:
        raise RequestError(f"{source} cannot be merged into itself; push another branch, or name merge_request.target")
    last = every(repository)[:1]
    number = last[0].number + 1 if last else 1
    if number > MAX_REQUESTS:
        raise RequestError(f"a repository has at most {MAX_REQUESTS} merge requests")
    now = moment()
    made = MergeRequest(number, title[:MAX_TITLE], source, target, head, base, author, now, now, body[:MAX_COMMENT])
    save(repository, made)
    return made


def save(repository: Path, request: MergeRequest) -> None:
    """Store a merge request. Raises OSError."""
    write(repository / FOLDER / f"{request.number}.json", request)


def commented(repository: Path, number: int, user: str, body: str, comment: int = 0) -> Comment:
    """Add a comment, or replace the one with an id. Raises RequestError, OSError."""
    request = get(repository, number)
    if request is None:
        raise NoRequest(f"there is no merge request {number}")
    if not body.strip() or len(body) > MAX_COMMENT:
        raise RequestError(f"a comment has 1 to {MAX_COMMENT} characters, this one has {len(body)}")
    now = moment()
    if comment:
        old = next((one for one in request.comments if one.id == comment), None)
        if old is None:
            raise NoRequest(f"merge request {number} has no comment {comment}")
        made = msgspec.structs.replace(old, body=body, updated=now)
        comments = tuple(made if one.id == comment else one for one in request.comments)
    else:
        if len(request.comments) >= MAX_COMMENTS:
            raise RequestError(f"a merge request has at most {MAX_COMMENTS} comments")
        last = max((one.id for one in request.comments), default=number * _IDS)
        made = Comment(last + 1, user, body, now, now)
        comments = (*request.comments, made)
    save(repository, msgspec.structs.replace(request, comments=comments, updated=now))
    return made


def labelled(repository: Path, number: int, labels: Sequence[str]) -> MergeRequest:
    """Give a merge request these labels and no others. Raises RequestError, OSError."""
    request = get(repository, number)
    if request is None:
        raise NoRequest(f"there is no merge request {number}")
    wanted = tuple(dict.fromkeys(labels))
    wrong = next((one for one in wanted if not one.strip() or len(one) > MAX_LABEL or not one.isprintable()), None)
    if wrong is not None or len(wanted) > MAX_LABELS:
        raise RequestError(
            f"a merge request has at most {MAX_LABELS} labels of 1 to {MAX_LABEL} characters in one line each"
        )
    made = msgspec.structs.replace(request, labels=wanted, updated=moment())
    save(repository, made)
    return made


def request_of(comment: int) -> int:
    """The number of the merge request of a comment's id."""
    return comment // _IDS
