"""The routes of all pages, for the one ASGI application that the lab serves on its console port."""

from __future__ import annotations

from pathlib import Path

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from workshop.lab.pages import html
from workshop.lab.pages.alerts import firing
from workshop.lab.pages.context import Context
from workshop.lab.pages.dashboards import dashboard_routes
from workshop.lab.pages.guide import guide_routes
from workshop.lab.pages.overview import overview
from workshop.lab.pages.runs import run_routes

STATIC = Path(__file__).parent / "static"


def routes(context: Context) -> list[BaseRoute]:
    """Every page, its API and its static files. Put `TokenGate` before the application that mounts them."""
    return [
        *console_routes(context),
        *dashboard_routes(context),
        *guide_routes(context),
        *run_routes(context),
        Route("/livez", _alive),
        Mount("/static", StaticFiles(directory=STATIC)),
    ]


def console_routes(context: Context) -> list[BaseRoute]:
    """The overview, and the part of it that the page asks for again and again."""

    async def console(request: Request) -> Response:
        values = {"overview": overview(context), "alerts": await firing(context)}
        if request.query_params.get("part") == "live":
            return html.part(request, "live.html", values)
        return html.page(context, request, "console.html", values)

    return [Route("/", console)]


async def _alive(_: Request) -> Response:
    return PlainTextResponse("ok")
