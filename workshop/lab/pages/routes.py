"""The routes of all pages, and the ASGI application that the lab serves on its console port."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from workshop.lab.files import REVALIDATE, Files
from workshop.lab.lab import Lab
from workshop.lab.pages import html
from workshop.lab.pages.alerts import firing
from workshop.lab.pages.auth import TokenGate, local_path
from workshop.lab.pages.board import board_routes, forbidden_board
from workshop.lab.pages.commits import commit_routes
from workshop.lab.pages.costs import cost_routes
from workshop.lab.pages.dashboards import dashboard_routes
from workshop.lab.pages.delivery import delivery_routes
from workshop.lab.pages.guide import guide_routes, next_module
from workshop.lab.pages.guidehost import LabGuide
from workshop.lab.pages.overview import overview
from workshop.lab.pages.runs import run_routes
from workshop.lab.pages.runs.listing import Rows
from workshop.lab.pages.terminal import terminal_routes
from workshop.lab.pages.terminal.shells import Shells
from workshop.lab.pages.trace import trace_routes
from workshop.lab.sessions import Sessions
from workshop.languages.catalog import N_

STATIC = Path(__file__).parent / "static"


def pages_of(lab: Lab, shells: Mapping[str, Shells], sessions: Sessions | None = None) -> TokenGate:
    """The pages of everybody behind the gate: each token opens those of its participant, or the instructor's.

    `shells` are those of the participants by name; without one, their pages have no terminal.
    """
    pages = {view.token: Starlette(routes=routes(view, shells.get(view.participant.name))) for view in lab.views}
    pages |= {one.token: Starlette(routes=instructor_routes(one)) for one in lab.instructors}
    return TokenGate(pages[lab.token], lab.token, sessions=sessions, others=pages)


def routes(lab: Lab, shells: Shells | None = None) -> list[BaseRoute]:
    """Every page, its API and its static files. Put `TokenGate` before the application that mounts them.

    Without `shells`, pages have no terminal.
    """
    rows, guide = Rows(lab), LabGuide(lab)
    return [
        *console_routes(lab, rows),
        *forbidden_board(lab),
        *dashboard_routes(lab),
        *(terminal_routes(shells) if shells else ()),
        *guide_routes(guide),
        *delivery_routes(guide),
        *cost_routes(guide),
        *trace_routes(guide),
        *commit_routes(lab),
        *run_routes(lab, rows),
        Route("/livez", _alive),
        Mount("/static", Files(STATIC, REVALIDATE)),
        Route("/{path:path}", _not_found(lab)),
    ]


def instructor_routes(lab: Lab) -> list[BaseRoute]:
    """The pages of the instructor: the board, and the runs and dashboards of all participants."""
    rows = Rows(lab)
    return [
        Route("/", lambda _: RedirectResponse("/board")),
        *board_routes(lab, rows),
        *opening_routes(lab),
        *dashboard_routes(lab),
        *run_routes(lab, rows),
        Route("/livez", _alive),
        Mount("/static", Files(STATIC, REVALIDATE)),
        Route("/{path:path}", _not_found(lab)),
    ]


def console_routes(lab: Lab, rows: Rows) -> list[BaseRoute]:
    """The overview, and the part of it that the page polls."""

    async def console(request: Request) -> Response:
        values = {"overview": overview(lab, rows), "alerts": await firing(lab)}
        if request.query_params.get("part") == "live":
            return html.part(request, "live.html", values)
        return html.page(lab, request, "console.html", {**values, "next": next_module(lab, html.language_of(request))})

    return [Route("/", console), *opening_routes(lab)]


def opening_routes(lab: Lab) -> list[BaseRoute]:
    """The page that opens another part of the lab in a browser that is logged in here."""

    async def opened(request: Request) -> Response:
        """Redirect a browser that has a session here to another part, with a code for it."""
        name = request.path_params["part"]
        spec, url = lab.components.get(name), lab.component_url(name)
        if spec is None or not spec.login or not url:
            values = {"message": f"The lab has no part {name}.", "back": "/", "back_name": N_("To the console")}
            return html.page(lab, request, "missing.html", values, status=404)
        next_ = local_path(request.query_params.get("next", "/"))
        return html.page(lab, request, "open.html", {"part": name, "login": url + spec.login, "next": next_})

    return [Route("/open/{part}", opened)]


def _not_found(lab: Lab) -> Callable[[Request], Awaitable[Response]]:
    """The page of an unknown path, with a link to the console."""

    async def missing(request: Request) -> Response:
        message = f"The lab has no page {request.url.path}."
        values = {"message": message, "back": "/", "back_name": N_("To the console")}
        return html.page(lab, request, "missing.html", values, status=404)

    return missing


async def _alive(_: Request) -> Response:
    return PlainTextResponse("ok")
