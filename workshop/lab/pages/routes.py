"""The routes of all pages, for the one ASGI application that the lab serves on its console port."""

from __future__ import annotations

from pathlib import Path

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from workshop.lab.pages.context import Context

STATIC = Path(__file__).parent / "static"


def routes(context: Context) -> list[BaseRoute]:
    """Every page, its API and its static files. Put `TokenGate` before the application that mounts them."""

    async def console(_: Request) -> Response:
        return HTMLResponse("<!doctype html><title>Workshop lab</title><h1>Workshop lab</h1>")

    return [
        Route("/", console),
        Route("/livez", _alive),
        Mount("/static", StaticFiles(directory=STATIC)),
    ]


async def _alive(_: Request) -> Response:
    return PlainTextResponse("ok")
