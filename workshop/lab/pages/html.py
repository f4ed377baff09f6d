"""Renders templates in the reader's language: a Jinja environment that escapes, and the headers of every page."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import lru_cache, partial
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from workshop.lab.endpoints import endpoints
from workshop.lab.lab import Lab
from workshop.languages.catalog import ENGLISH, N_, Language, languages
from workshop.languages.choice import COOKIE, PARAMETER, choose, cookie

HEADERS = {
    # Only the lab's own files run or load. Scripts may set styles, which uPlot and the gauges need.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


def page(lab: Lab, request: Request, template: str, values: Mapping[str, object], *, status: int = 200) -> Response:
    """A whole page in the layout that all pages share."""
    who = lab.participant.name if lab.oversees or len(lab.views) > 1 else ""
    return whole(request, template, {**values, "nav": navigation(lab, request.url.path), "who": who}, status=status)


def whole(
    request: Request, template: str, values: Mapping[str, object], *, status: int = 200, cookies: str = "/"
) -> Response:
    """A whole page; `values` include those of the layout. A language that a link chose is kept below `cookies`."""
    language = language_of(request)
    text = render(template, {**values, "choices": _choices(request)}, language)
    answer = HTMLResponse(text, status_code=status, headers={**HEADERS, "Content-Language": language.tag})
    if request.query_params.get(PARAMETER) == language.tag:
        answer.headers["Set-Cookie"] = cookie(language, cookies)
    return answer


def part(request: Request, template: str, values: Mapping[str, object]) -> Response:
    """A part of a page for a script; 304 if the script already has it."""
    return sent(request, render(template, values, language_of(request)))


def sent(request: Request, text: str) -> Response:
    """A rendered part; 304 if the script already has it."""
    tag = f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'
    headers = {**HEADERS, "ETag": tag}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return HTMLResponse(text, headers=headers)


def render(template: str, values: Mapping[str, object], language: Language = ENGLISH) -> str:
    """A template as text. Raises jinja2.UndefinedError if a value is missing."""
    return _environment(language, id(language.translations)).get_template(template).render(values)


def language_of(request: Request) -> Language:
    """The language of a request."""
    return choose(
        languages(),
        link=request.query_params.get(PARAMETER, ""),
        kept=request.cookies.get(COOKIE, ""),
        accepted=request.headers.get("accept-language", ""),
    )


def _choices(request: Request) -> list[tuple[str, str, str]]:
    """Tag, name and link of each language, for the page of a request."""
    known = languages().values()
    return [(one.tag, one.name, f"?{request.url.include_query_params(**{PARAMETER: one.tag}).query}") for one in known]


def _translated(language: Language, english: str, **values: str) -> str:
    """The filter for texts that Python code has marked with N_; values in braces are translated too."""
    text = language.text(english)
    return text.format(**{name: language.text(value) for name, value in values.items()}) if values else text


@lru_cache(maxsize=32)
def _environment(language: Language, _changed: int) -> Environment:
    """Jinja's environment of a language; a catalog that was read again has another one."""
    made = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    made.policies["ext.i18n.trimmed"] = True
    made.install_gettext_translations(language.translations, newstyle=True)  # type: ignore[attr-defined]
    made.filters["translated"] = partial(_translated, language)
    made.globals |= {"language": language.tag, "script_texts": language.scripts}
    return made


def navigation(lab: Lab, path: str) -> list[tuple[str, str, bool]]:
    """Name, URL and whether it is available: the lab's own pages, then the tools that run."""
    if lab.oversees:
        shared = [(spec.title, url) for name, spec in lab.components.items() if spec.title and not spec.personal
                  and (url := lab.page_url(name))]  # fmt: skip
        return [
            (N_("Board"), "/board", path == "/board"),
            (N_("Runs"), "/runs", path.startswith(("/runs", "/tasks"))),
            (N_("Dashboards"), "/dashboards/", path.startswith("/dashboards")),
            *((title, url, False) for title, url in shared),
        ]
    known = endpoints(lab)
    own = [
        (N_("Console"), "/", path == "/"),
        (N_("Runs"), "/runs", path.startswith(("/runs", "/tasks"))),
        (N_("Guide"), "/guide/", path.startswith("/guide")),
        (N_("Dashboards"), "/dashboards/", path.startswith(("/dashboards", "/measures"))),
        (N_("Trace"), "/trace/", path.startswith("/trace")),
    ]
    tools = [(spec.title, lab.page_url(name)) for name, spec in lab.components.items() if spec.title]
    return own + [(title, url, False) for title, url in [*tools, (N_("Client page"), known["client"])] if url]
