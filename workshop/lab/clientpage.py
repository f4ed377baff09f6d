"""The web client of a deployment: `/seldon/<namespace>/<deployment>/client/` on the gateway.

The page has the same origin as the API that it calls, so no server needs CORS. On OpenShift nginx does the same, and a
test compares the headers with seldon/client/server/nginx.conf. It needs no token, as predictions need none: it stores
nothing and changes nothing.
"""

from __future__ import annotations

from pathlib import Path

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from workshop.lab.files import REVALIDATE, Files
from workshop.lab.paths import KIT
from workshop.lab.routes import client_path

PATH = client_path("{namespace}")
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    **REVALIDATE,
}


def client_routes(folder: Path = KIT / "seldon/client/page") -> list[BaseRoute]:
    """The routes of the page's files. Put them before the route that forwards everything below a deployment."""
    return [Route(PATH, _with_slash), Mount(PATH, Files(folder, HEADERS, html=True))]


async def _with_slash(request: Request) -> Response:
    return RedirectResponse(request.url.path + "/")
