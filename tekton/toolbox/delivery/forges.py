"""Where the comment on a merge request goes: Gitea and the lab's Git server, GitHub, or GitLab.

The environment says which, by the variables that the runners of GitHub and GitLab set themselves:

| server | address | token |
|---|---|---|
| GitHub | GITHUB_API_URL, GITHUB_REPOSITORY | GITHUB_TOKEN |
| GitLab | CI_API_V4_URL, CI_PROJECT_ID | GITLAB_TOKEN, of a project with the scope `api` |
| Gitea | GIT_URL | GIT_USERNAME, GIT_PASSWORD |

The token that GitLab gives each job, CI_JOB_TOKEN, writes no comments.
"""

from __future__ import annotations

import base64
import json
import os
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from delivery.errors import DeliveryError

SECRETS = ("GIT_PASSWORD", "GITHUB_TOKEN", "GITLAB_TOKEN")
"""The variables with a token."""
SECONDS = 30.0
PAGE = 100
"""Comments in one answer: the most that GitHub and GitLab give."""
MAX_PAGES = 10
MAX_ANSWER = 8 << 20
"""Bytes of an answer that are read; a page has 100 comments, and each of them at most 64 KiB."""


@dataclass(frozen=True, slots=True)
class Forge:
    """One repository in the API of a server.

    `comments` is the path of a merge request's comments with {number} in it, `comment` that of one comment with {id}
    too, and `change` the method that replaces one.
    """

    api: str
    headers: Mapping[str, str]
    comments: str = "issues/{number}/comments"
    comment: str = "issues/comments/{id}"
    change: str = "PATCH"
    variables: str = "GIT_URL, GIT_USERNAME, GIT_PASSWORD"

    def post(self, number: int, text: str, marker: str) -> str:
        """Write a comment, or replace the one that begins with the marker. Returns its address. DeliveryError."""
        path = self.comments.format(number=number)
        mine = self._mine(path, marker)
        if mine is None:
            made = self._asked("POST", path, {"body": text})
        else:
            made = self._asked(self.change, self.comment.format(number=number, id=mine), {"body": text})
        return str(made.get("html_url") or f"comment {made['id']} of merge request {number}")

    def _mine(self, path: str, marker: str) -> int | None:
        for page in range(1, MAX_PAGES + 1):
            # Gitea calls the length of a page `limit`.
            found = self._asked("GET", f"{path}?per_page={PAGE}&limit={PAGE}&page={page}")
            for one in found:
                if str(one["body"]).startswith(marker):
                    return int(one["id"])
            if len(found) < PAGE:
                break
        return None

    def _asked(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        url = f"{self.api}/{path}"
        data = json.dumps(body).encode() if body else None
        headers = {"Content-Type": "application/json", "Accept": "application/json", **self.headers}
        request = urllib.request.Request(url, data, headers, method=method)  # noqa: S310 the configured address
        try:
            with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310
                return json.loads(answer.read(MAX_ANSWER))
        except urllib.error.HTTPError as error:
            text = error.read(300).decode("utf-8", "replace").strip()
            message = f"{method} {url} answered {error.code}: {text}"
            raise DeliveryError(message, next=f"check {self.variables} and the number") from error
        except (OSError, ValueError) as error:
            raise DeliveryError(f"{method} {url} failed: {error}", next="check that the Git server runs") from error


def configured() -> Forge:
    """The server that the environment names. DeliveryError without one."""
    env = os.environ
    if env.get("GITHUB_REPOSITORY"):
        api = env.get("GITHUB_API_URL") or "https://api.github.com"
        headers = {"Authorization": f"Bearer {env.get('GITHUB_TOKEN', '')}"}
        return Forge(f"{api}/repos/{env['GITHUB_REPOSITORY']}", headers, variables="GITHUB_TOKEN")
    if env.get("CI_API_V4_URL"):
        return Forge(
            f"{env['CI_API_V4_URL']}/projects/{env.get('CI_PROJECT_ID', '')}",
            {"PRIVATE-TOKEN": env.get("GITLAB_TOKEN", "")},
            comments="merge_requests/{number}/notes",
            comment="merge_requests/{number}/notes/{id}",
            change="PUT",
            variables="GITLAB_TOKEN",
        )
    pair = f"{env.get('GIT_USERNAME', '')}:{env.get('GIT_PASSWORD', '')}"
    return Forge(_gitea(), {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"})


def _gitea() -> str:
    """The address of the repository in the API, from the address that Git clones."""
    url, user = os.environ.get("GIT_URL", ""), os.environ.get("GIT_USERNAME", "")
    parts = urlsplit(url)
    path = parts.path.strip("/").removesuffix(".git").split("/")
    owner = path[-2] if len(path) > 1 else user
    if parts.scheme not in ("http", "https") or not path[-1] or not owner:
        raise DeliveryError(
            f"GIT_URL is {url!r}; a comment needs the address of a repository on a Git server with the API of Gitea",
            next="export GIT_URL=https://HOST/OWNER/NAME.git",
        )
    before = "/".join(["", *path[:-2]])
    return f"{parts.scheme}://{parts.netloc}{before.rstrip('/')}/api/v1/repos/{owner}/{path[-1]}"
