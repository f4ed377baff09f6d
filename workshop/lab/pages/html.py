"""Renders templates: one Jinja environment that escapes, and the headers of every page."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from workshop.lab.endpoints import endpoints
from workshop.lab.lab import Lab

HEADERS = {
    # Only the lab's own files run or load. Scripts may set styles, which uPlot and the gauges need.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
_ENVIRONMENT = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
)


def page(lab: Lab, request: Request, template: str, values: Mapping[str, object], *, status: int = 200) -> Response:
    """A whole page in the layout that all pages share."""
    who = lab.participant.name if lab.oversees or len(lab.views) > 1 else ""
    text = render(template, {**values, "nav": navigation(lab, request.url.path), "who": who})
    return HTMLResponse(text, status_code=status, headers=HEADERS)


def part(request: Request, template: str, values: Mapping[str, object]) -> Response:
    """A part of a page for a script; 304 if the script already has it."""
    return sent(request, render(template, values))


def sent(request: Request, text: str) -> Response:
    """A rendered part; 304 if the script already has it."""
    tag = f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'
    headers = {**HEADERS, "ETag": tag}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return HTMLResponse(text, headers=headers)


def render(template: str, values: Mapping[str, object]) -> str:
    """A template as text. Raises jinja2.UndefinedError if a value is missing."""
    return _ENVIRONMENT.get_template(template).render(values)


def navigation(lab: Lab, path: str) -> list[tuple[str, str, bool]]:
    """Name, URL and whether it is available: the lab's own pages, then the tools that run."""
    if lab.oversees:
        shared = [(spec.title, url) for name, spec in lab.components.items() if spec.title and not spec.personal
                  and (url := lab.page_url(name))]  # fmt: skip
        return [
            ("Board", "/board", path == "/board"),
            ("Runs", "/runs", path.startswith(("/runs", "/tasks"))),
            ("Dashboards", "/dashboards/", path.startswith("/dashboards")),
            *((title, url, False) for title, url in shared),
        ]
    known = endpoints(lab)
    own = [
        ("Console", "/", path == "/"),
        ("Runs", "/runs", path.startswith(("/runs", "/tasks"))),
        ("Guide", "/guide/", path.startswith("/guide")),
        ("Dashboards", "/dashboards/", path.startswith(("/dashboards", "/measures"))),
        ("Trace", "/trace/", path.startswith("/trace")),
    ]
    tools = [(spec.title, lab.page_url(name)) for name, spec in lab.components.items() if spec.title]
    return own + [(title, url, False) for title, url in [*tools, ("Client page", known["client"])] if url]
