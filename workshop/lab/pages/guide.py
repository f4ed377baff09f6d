"""The guide in the browser: a page for each module, with buttons for its check, its solution and its reset.

Each request renders the page again, so an edited module or a started component is visible immediately.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TypeVar

import msgspec
from markdown_it import MarkdownIt
from markupsafe import Markup
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import URL
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from workshop.checks import CHECKS
from workshop.errors import WorkshopError
from workshop.guide.module import Module, load_all
from workshop.guide.render import render
from workshop.guide.search import search
from workshop.guide.slides import slides
from workshop.guide.translations import Translation, in_language
from workshop.lab.lab import Lab
from workshop.lab.pages import html
from workshop.lab.pages.guidehost import GuideHost
from workshop.lab.pages.jobs import VERBS, Busy, Job
from workshop.lab.progress import progress
from workshop.languages.catalog import N_, Language
from workshop.participants.progress import (
    LONGEST,
    Progress,
    answers,
    asks_for_help,
    checked,
    needs_no_help,
    one_line,
)

BODY_BYTES = 4096
"""Bytes of a request: LONGEST characters in JSON, and more."""


class _Request(msgspec.Struct, frozen=True):
    """The form with which a participant asks for help."""

    module: str
    text: str = ""


class _Answer(msgspec.Struct, frozen=True):
    """A participant's answer to a question of a module, whose first question is 1."""

    module: str
    question: int
    answer: str


def guide_routes(host: GuideHost) -> list[BaseRoute]:
    """The list of modules, their pages, the search, the printable guide, and the API of the buttons."""
    jobs = host.jobs

    async def index(request: Request) -> Response:
        modules = _titles(_modules(host.kit), html.language_of(request))
        shown = {"modules": modules, "total": sum(m.minutes for m in modules), **_sidebar(host, modules, "")}
        return host.page(request, "guide.html", shown)

    async def module_page(request: Request) -> Response:
        modules = _modules(host.kit)
        found = next((m for m in modules if request.path_params["name"] in (m.name, m.number)), None)
        if found is None:
            return _missing(host, request, N_("The guide has no such module."))
        if request.path_params["name"] == found.number:
            return RedirectResponse(str(URL(f"/guide/{found.name}").replace(query=request.url.query)))
        return host.page(request, "module.html", _module_values(host, modules, found, html.language_of(request)))

    async def whole(request: Request) -> Response:
        language = html.language_of(request)
        modules = _titles(_modules(host.kit), language)
        shown = [(module, _chapter(module.number, _body(host, module, language))) for module in modules]
        return host.page(request, "whole.html", {"modules": shown})

    async def talk(request: Request) -> Response:
        language = html.language_of(request)
        shown = [
            {"module": slide.module, "title": slide.title, "html": Markup(slide.body)}  # noqa: S704
            for slide in slides(_titles(_modules(host.kit), language), language.text)
        ]
        return host.page(request, "slides.html", {"slides": shown})

    async def dictionary(request: Request) -> Response:
        text = (host.kit / "model" / "DATA.md").read_text(encoding="utf-8")
        body = MarkdownIt("commonmark", {"html": False}).enable("table").render(text)
        return host.page(request, "data.html", {"body": Markup(body)})  # noqa: S704 made by our own renderer

    async def find(request: Request) -> Response:
        words = request.query_params.get("q", "")[:200]
        modules = _titles(_modules(host.kit), html.language_of(request))
        shown = {"words": words, "hits": search(modules, words, host.where), **_sidebar(host, modules, "")}
        return host.page(request, "search.html", shown)

    async def check(request: Request) -> Response:
        number = request.path_params["number"]
        if number not in CHECKS:
            known = ", ".join(sorted(CHECKS))
            return JSONResponse({"error": f"module {number} has no check; known are {known}"}, status_code=404)
        try:
            findings = await run_in_threadpool(lambda: CHECKS[number](host.context()))
        except WorkshopError as e:
            return JSONResponse({"error": str(e)}, status_code=500)
        host.remember(lambda before: checked(before, number, findings, asked=True))
        say = html.language_of(request).text
        return JSONResponse(
            {
                "module": number,
                "ok": all(finding.ok for finding in findings),
                "findings": [
                    {"task": say(f.task), "ok": f.ok, "reason": say(f.reason), "hint": say(f.hint)} for f in findings
                ],
            }
        )

    async def begin(request: Request) -> Response:
        verb, number = request.path_params["verb"], request.path_params["number"]
        if verb not in VERBS or number not in CHECKS:
            return JSONResponse({"error": f"there is no {verb} of module {number}"}, status_code=404)
        try:
            return JSONResponse(_as_json(jobs.start(verb, number)), status_code=202)
        except Busy as e:
            return JSONResponse({"error": str(e)}, status_code=409)

    async def job(_: Request) -> Response:
        return JSONResponse(_as_json(jobs.last) if jobs.last else {})

    async def help_(request: Request) -> Response:
        if request.method == "DELETE":
            return JSONResponse(_help(host.remember(needs_no_help)))
        if request.method != "POST":
            return JSONResponse(_help(host.progress()))
        given = await _read(request, _Request, '{"module": "03", "text": "why"}')
        if isinstance(given, JSONResponse):
            return given
        if given.module not in CHECKS:
            return JSONResponse({"error": f"there is no module {one_line(given.module, 20)}"}, status_code=404)
        asks = partial(asks_for_help, number=given.module, text=given.text)
        return JSONResponse(_help(host.remember(asks)))

    async def answer(request: Request) -> Response:
        given = await _read(request, _Answer, '{"module": "03", "question": 1, "answer": "2"}')
        if isinstance(given, JSONResponse):
            return given
        asked = next((m.questions for m in _modules(host.kit) if m.number == given.module), ())
        if not 1 <= given.question <= len(asked):
            return JSONResponse({"error": "there is no such question"}, status_code=404)
        if not asked[given.question - 1].accepts(given.answer):
            return JSONResponse({"error": "the answer is the number of a choice, or a number"}, status_code=400)
        gives = partial(answers, number=given.module, question=given.question, given=given.answer)
        return JSONResponse({"answers": host.remember(gives).answers_of(given.module)})

    return [
        Route("/guide", lambda _: RedirectResponse("/guide/")),
        Route("/guide/", index),
        Route("/guide/search", find),
        Route("/guide/data", dictionary),
        Route("/guide/whole", whole),
        Route("/guide/slides", talk),
        Route("/guide/api/check/{number:str}", check, methods=["POST"]),
        Route("/guide/api/answer", answer, methods=["POST"]),
        Route("/guide/api/help", help_, methods=["GET", "POST", "DELETE"]),
        Route("/guide/api/job", job),
        Route("/guide/api/{verb:str}/{number:str}", begin, methods=["POST"]),
        Route("/guide/{name:str}", module_page),
        Route("/guide/{name:str}/", lambda request: RedirectResponse(f"/guide/{request.path_params['name']}")),
    ]


T = TypeVar("T")


async def _read(request: Request, wanted: type[T], example: str) -> T | JSONResponse:
    """The JSON body of a request, or the answer that refuses it."""
    if int(request.headers.get("content-length") or BODY_BYTES + 1) > BODY_BYTES:
        return JSONResponse({"error": f"the request is larger than {BODY_BYTES} bytes"}, status_code=413)
    try:
        return msgspec.json.decode(await request.body(), type=wanted)
    except msgspec.DecodeError as e:
        return JSONResponse({"error": f"expected {example}: {e}"}, status_code=400)


def next_module(lab: Lab, language: Language) -> Module | None:
    """The first module that the lab can run and whose last check did not pass; None after the last."""
    known = progress(lab.store, lab.participant).modules
    modules = (m for m in _modules(lab.kit) if m.runs_on != "cluster")
    open_ = (m for m in modules if not (m.number in known and known[m.number].done))
    found = next(open_, None)
    return in_language(found, language.tag).module if found else None


def _modules(kit: Path) -> list[Module]:
    return load_all(kit / "workshop" / "modules")


def _titles(modules: list[Module], language: Language) -> list[Module]:
    """The modules in a language, English where there is no translation."""
    return [in_language(module, language.tag).module for module in modules]


def _sidebar(host: GuideHost, modules: list[Module], here: str) -> dict[str, object]:
    """The modules with the last results of their checks."""
    known = host.progress().modules
    done = {module.number: known[module.number].done for module in modules if module.number in known}
    return {"all_modules": modules, "done": done, "here": here}


def _module_values(host: GuideHost, modules: list[Module], found: Module, language: Language) -> Mapping[str, object]:
    at, titles = modules.index(found), _titles(modules, language)
    shown: Translation = in_language(found, language.tag)
    return {
        "module": found,
        "title": shown.module.title,
        "text_language": shown.language,
        "stale": shown.stale,
        "body": _body(host, shown.module, language),
        "previous": titles[at - 1] if at else None,
        "next": titles[at + 1] if at + 1 < len(modules) else None,
        "terminals": host.terminals,
        "help_longest": LONGEST,
        **_sidebar(host, titles, found.number),
    }


def _body(host: GuideHost, module: Module, language: Language) -> Markup:
    try:
        given = host.progress().answers_of(module.number)
        made = render(module, host.kit, host.values(), host.where, language.text, given)
    except WorkshopError as e:
        message = language.text(N_("This module cannot be shown:"))
        return Markup('<div class="notice warn" role="alert"><p>{} {}</p></div>').format(message, str(e))
    return Markup(made)  # noqa: S704 made by our own renderer


def _chapter(number: str, body: Markup) -> Markup:
    """The body of a module on a page with others: anchors get the module's number, so that they are unique."""
    return Markup(re.sub(r'(<h[1-6]) id="', rf'\1 id="m{number}-', str(body)))  # noqa: S704 made by our own renderer


def _missing(host: GuideHost, request: Request, message: str) -> Response:
    gone = {"message": message, "back": "/guide/", "back_name": N_("All modules")}
    return host.page(request, "missing.html", gone, status=404)


def _as_json(job: Job) -> dict[str, object]:
    return {
        "command": job.command,
        "module": job.module,
        "running": job.code is None,
        "code": job.code,
        "lines": list(job.lines),
    }


def _help(known: Progress) -> dict[str, object]:
    return {"help": msgspec.to_builtins(known.help)}
