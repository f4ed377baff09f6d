"""Events as the lab's Git server sends them."""

from __future__ import annotations

from typing import Any

from workshop.lab.controllers.pipelinesascode.event import Event, of_push, of_request
from workshop.lab.forge.notice import Changed

URL = "http://127.0.0.1:3000/mlops-workshop"
NO_FILES = Changed()
REPOSITORY = {
    "name": "mlops-workshop",
    "html_url": URL,
    "owner": {"login": "user1"},
    "default_branch": "main",
}


def push(ref: str = "refs/heads/main", message: str = "Change the model\n\nMore.", **files: list[str]) -> Event:
    """A push of one commit; `files` are its added, removed and modified paths."""
    commit = {"id": "a" * 40, "message": message, "url": f"{URL}/commit/{'a' * 40}", **files}
    body: dict[str, Any] = {
        "ref": ref,
        "before": "b" * 40,
        "after": commit["id"],
        "deleted": False,
        "commits": [commit],
        "head_commit": commit,
        "repository": REPOSITORY,
        "sender": {"login": "User1"},
        "count": 42,
        "forced": False,
    }
    event = of_push(body, {"X-Github-Event": "push"})
    assert event is not None
    return event


def request(
    base: str = "main", comment: str | None = None, changed: Changed = NO_FILES, action: str = "opened"
) -> Event:
    """A merge request of the branch `more-trees`, or a comment on it."""
    body: dict[str, Any] = {
        "action": action,
        "number": 7,
        "pull_request": {
            "number": 7,
            "title": "[UPSTREAM] More trees",
            "head": {"ref": "more-trees", "sha": "c" * 40},
            "base": {"ref": base, "sha": "d" * 40},
        },
        "repository": REPOSITORY,
        "sender": {"login": "user1"},
    }
    if comment is not None:
        body["comment"] = {"body": comment}
    return of_request(body, {"X-Github-Event": "pull_request"}, "Use more trees\n", changed)
