"""The page *Commits*: the commits of a branch with their statuses, and the merge requests of the repository."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.token import Token
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from workshop.lab import process_environment
from workshop.lab.forge import requests
from workshop.lab.forge.git import Git, GitFailure
from workshop.lab.forge.requests import CLOSED, MERGED, OPEN, MergeRequest
from workshop.lab.forge.statuses import Status, combined, statuses
from workshop.lab.lab import Lab
from workshop.lab.pages import charts, html
from workshop.lab.participant import bare_folder
from workshop.languages.catalog import N_

URL = "/commits"
SHOWN, BRANCHES = 30, 50
_FORMAT = "%x00".join(("%H", "%s", "%an", "%cI"))
_MARKS = {"success": "ok", "pending": "run", "warning": "warn", "failure": "bad", "error": "bad"}
STATES = (
    *(N_("pending"), N_("success"), N_("warning"), N_("failure"), N_("error")),
    *(N_("open"), N_("merged"), N_("closed")),
)
"""The states of commits and merge requests, for translators."""
_REQUEST_MARKS = {OPEN: "run", MERGED: "ok", CLOSED: "idle"}


@dataclass(frozen=True)
class Check:
    """One status of a commit."""

    name: str
    state: str
    mark: str
    description: str
    url: str


@dataclass(frozen=True)
class Commit:
    """One commit; `state` is the worst of its checks, empty without one."""

    sha: str
    title: str
    author: str
    when: str
    state: str
    mark: str
    checks: tuple[Check, ...]


def commit_routes(lab: Lab) -> list[BaseRoute]:
    """The page, and that of a merge request."""
    repository = bare_folder(lab.paths)
    git = Git(repository, process_environment.base(lab.paths))

    async def page(request: Request) -> Response:
        try:
            branches = (await git(*_EVERY_BRANCH)).split()
            default = (await git("symbolic-ref", "--short", "HEAD")).strip()
            branch = request.query_params.get("branch") or default
            if branch not in branches:
                message = f"The repository has no branch {branch}."
                values = {"message": message, "back": URL, "back_name": N_("To the commits")}
                return html.page(lab, request, "missing.html", values, status=404)
            listed = await git("log", f"--max-count={SHOWN}", f"--format={_FORMAT}", f"refs/heads/{branch}", "--")
        except (GitFailure, OSError) as e:
            values = {"message": f"The repository cannot be read: {e}", "back": "/", "back_name": N_("To the console")}
            return html.page(lab, request, "missing.html", values, status=404)
        commits = [_commit(*line.split("\0", 3), found=statuses(repository, line[:40])) for line in listed.splitlines()]
        shown: dict[str, object] = {
            "branch": branch, "branches": branches, "commits": commits,
            "requests": [(one, _REQUEST_MARKS[one.state]) for one in requests.every(repository)[:SHOWN]],
        }  # fmt: skip
        return html.page(lab, request, "commits.html", shown)

    async def one(request: Request) -> Response:
        found = requests.get(repository, int(request.path_params["number"]))
        if found is None:
            message = f"There is no merge request {request.path_params['number']}."
            values = {"message": message, "back": URL, "back_name": N_("To the commits")}
            return html.page(lab, request, "missing.html", values, status=404)
        return html.page(lab, request, "merge-request.html", _request(found, statuses(repository, found.head)))

    return [Route(URL, page), Route(f"{URL}/merge-requests/{{number:int}}", one)]


_EVERY_BRANCH = (
    "for-each-ref",
    "--sort=-committerdate",
    f"--count={BRANCHES}",
    "--format=%(refname:lstrip=2)",
    "refs/heads",
)


def _request(request: MergeRequest, found: list[Status]) -> dict[str, object]:
    markdown = _markdown()
    return {
        "request": request,
        "mark": _REQUEST_MARKS[request.state],
        "checks": [_check(status) for status in found],
        "body": markdown.render(request.body),
        "comments": [(comment, markdown.render(comment.body)) for comment in request.comments],
    }


def _commit(sha: str, title: str, author: str, when: str, *, found: list[Status]) -> Commit:
    state = combined(found)
    return Commit(sha, title, author, when, state, _MARKS.get(state, ""), tuple(_check(status) for status in found))


def _check(status: Status) -> Check:
    return Check(status.context, status.state, _MARKS[status.state], status.description, status.target_url)


def _markdown() -> MarkdownIt:
    """Markdown as a Git server shows it.

    HTML comments are left out, other HTML is text, wide code scrolls, and a chart in Mermaid is drawn.
    """
    markdown = MarkdownIt("commonmark").enable("table")

    def as_text(_: object, tokens: Sequence[Token], index: int, *__: object) -> str:
        content = tokens[index].content
        return "" if content.lstrip().startswith("<!--") and content.rstrip().endswith("-->") else escapeHtml(content)

    def fence(_: object, tokens: Sequence[Token], index: int, *__: object) -> str:
        chart = charts.parse(tokens[index].content) if tokens[index].info.strip() == "mermaid" else None
        if chart is not None:
            return charts.svg(chart)
        return f'<div class="table" tabindex="0"><pre>{escapeHtml(tokens[index].content)}</pre></div>\n'

    markdown.add_render_rule("html_block", as_text)
    markdown.add_render_rule("html_inline", as_text)
    markdown.add_render_rule("fence", fence)
    return markdown
