"""What a push, a merge request or a comment is for Pipelines as Code, from the body that the Git server sends.

The rules are those of its provider `gitea` (pkg/provider/gitea/parse_payload.go at v0.48).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from workshop.lab.forge.notice import PUSH as PUSH_NOTICE
from workshop.lab.forge.notice import Changed, Notice

PUSH, PULL_REQUEST, CLOSED = "push", "pull_request", "pull_request_closed"
LABELED, INCOMING = "pull_request_labeled", "incoming"
NO_OPS_COMMENT, ON_COMMENT = "no-ops-comment", "on-comment"
TEST_ALL, TEST, RETEST_ALL, RETEST = "test-all-comment", "test-comment", "retest-all-comment", "retest-comment"
CANCEL_ALL, CANCEL, OK_TO_TEST = "cancel-all-comment", "cancel-comment", "ok-to-test-comment"
COMMANDS = (TEST_ALL, TEST, RETEST_ALL, RETEST, CANCEL_ALL, CANCEL, OK_TO_TEST)
NO_FILES = Changed()
_SKIP = re.compile(r"\[(skip ci|ci skip|skip tkn|tkn skip)\]")
_OK_TO_TEST = re.compile(r"(^|\n)\s*/ok-to-test(?:\s+[a-fA-F0-9]{7,40})?\s*(\r\n|\r|\n|$)")
_COMMANDS = (
    (re.compile(r"(?m)^\s*/retest\s*$"), RETEST_ALL, ""),
    (re.compile(r"(?m)^\s*/retest[ \t]+\S+"), RETEST, "/retest"),
    (re.compile(r"(?m)^\s*/test\s*$"), TEST_ALL, ""),
    (re.compile(r"(?m)^\s*/test[ \t]+\S+"), TEST, "/test"),
    (_OK_TO_TEST, OK_TO_TEST, ""),
    (re.compile(r"(?m)^\s*/cancel\s*$"), CANCEL_ALL, ""),
    (re.compile(r"(?m)^\s*/cancel[ \t]+\S+"), CANCEL, "/cancel"),
)
"""What a comment asks for, the first that matches: the type, and the word before the name of a PipelineRun."""


@dataclass(frozen=True)
class Event:
    """One event. `target` is what annotations name (push, pull_request), `type` is finer (test-all-comment).

    Branches are as the Git server sends them: `refs/heads/main` for a push, `main` for a merge request. `pipeline` is
    the PipelineRun that a comment such as `/test NAME` or an incoming webhook names; `given` are the params of the
    latter. `labels` are those of the merge request.
    """

    target: str
    type: str
    url: str
    owner: str
    repository: str
    default_branch: str
    sender: str
    sha: str
    title: str
    base_branch: str
    head_branch: str
    sha_url: str = ""
    number: int = 0
    request_title: str = ""
    comment: str = ""
    pipeline: str = ""
    skip: bool = False
    labels: tuple[str, ...] = ()
    given: Mapping[str, str] = field(default_factory=dict)
    changed: Changed = NO_FILES
    body: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def event_title(self) -> str:
        """The title of the commit of a push, or of the merge request."""
        return self.title if self.target == PUSH else self.request_title

    @property
    def is_comment(self) -> bool:
        """Whether it is a comment that is no command."""
        return self.type in (NO_OPS_COMMENT, ON_COMMENT)


def of_notice(notice: Notice) -> Event | None:
    """The event of what the Git server sends; None for a ref that was deleted."""
    if notice.event == PUSH_NOTICE:
        return of_push(notice.body, notice.headers)
    return of_request(notice.body, notice.headers, notice.message, notice.changed)


def of_push(body: Mapping[str, Any], headers: Mapping[str, str]) -> Event | None:
    """The event of a push, None when a ref was deleted."""
    head = body.get("head_commit")
    if body.get("deleted") or not head:
        return None
    changed = Changed(
        *(
            tuple(dict.fromkeys(name for one in body.get("commits") or () for name in one.get(kind) or ()))
            for kind in ("added", "removed", "modified")
        )
    )
    return Event(
        target=PUSH,
        type=PUSH,
        sha=head["id"],
        title=_first(head["message"]),
        sha_url=head["url"],
        base_branch=body["ref"],
        head_branch=body["ref"],
        skip=bool(_SKIP.search(head["message"])),
        changed=changed,
        body=body,
        headers=headers,
        **_common(body),
    )


def of_request(body: Mapping[str, Any], headers: Mapping[str, str], message: str, changed: Changed) -> Event:
    """The event of a merge request, or of a comment on one. `message` is that of its newest commit."""
    request = body["pull_request"]
    comment = str((body.get("comment") or {}).get("body") or "")
    plain = LABELED if body.get("action") == "label_updated" else PULL_REQUEST
    type_, pipeline = command(comment) if "comment" in body else (plain, "")
    return Event(
        target=CLOSED if body.get("action") == "closed" else PULL_REQUEST,
        type=type_,
        sha=request["head"]["sha"],
        title=_first(message),
        sha_url=f"{body['repository']['html_url']}/commit/{request['head']['sha']}",
        base_branch=request["base"]["ref"],
        head_branch=request["head"]["ref"],
        number=int(request["number"]),
        request_title=request["title"],
        comment=comment,
        pipeline=pipeline,
        skip=type_ not in COMMANDS and bool(_SKIP.search(message)),
        # A comment has none, as with the provider of Pipelines as Code.
        labels=() if "comment" in body else tuple(one["name"] for one in request.get("labels") or ()),
        changed=changed,
        body=body,
        headers=headers,
        **_common(body),
    )


def command(comment: str) -> tuple[str, str]:
    """The type of a comment, and the PipelineRun that it names. Source: CommentEventType in pkg/opscomments."""
    for pattern, type_, word in _COMMANDS:
        if pattern.search(comment):
            return type_, _named(comment, word) if word else ""
    return NO_OPS_COMMENT, ""


def _named(comment: str, word: str) -> str:
    """The word after one space; empty for an argument. Source: getNameFromComment in pkg/opscomments."""
    words = comment.strip().split(word)[1].split("\n")[0].split(" ")
    name = words[1].strip() if len(words) > 1 else ""
    return "" if "=" in name else name


def _common(body: Mapping[str, Any]) -> dict[str, Any]:
    repository = body["repository"]
    return {
        "url": repository["html_url"],
        "owner": repository["owner"]["login"],
        "repository": repository["name"],
        "default_branch": repository["default_branch"],
        "sender": body["sender"]["login"],
    }


def _first(message: str) -> str:
    return message.split("\n", 1)[0]
