"""The web client of each deployment: `/seldon/<namespace>/<deployment>/client/` on the gateway.

The page has the same origin as the API that it calls, so no server needs CORS. On OpenShift nginx does the same, and a
test compares the headers with seldon/client/server/nginx.conf. It needs no token, as predictions need none: it stores
nothing and changes nothing.
"""

from __future__ import annotations

from delivery.usecase import read
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from workshop.lab.files import REVALIDATE, Files
from workshop.lab.paths import KIT
from workshop.lab.routes import client_path
from workshop.usecase import DEPLOYMENT, folders

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    **REVALIDATE,
}


PAGE, FORM = KIT / "seldon/client/page", KIT / "seldon/client/form"
"""The page for travellers, and the form that is made from the columns of any other model."""


def client_routes() -> list[BaseRoute]:
    """The routes of the pages' files. Put them before the route that forwards everything below a deployment.

    A folder `client` of a use case goes first: its page.json has the words of the form, and other files replace those
    of the form.
    """
    own = {read(folder).deployment: folder / "client" for folder in folders() if (folder / "client").is_dir()}
    pages = {
        DEPLOYMENT: (PAGE,),
        **{name: (folder, FORM, PAGE) for name, folder in own.items()},
        "{other}": (FORM, PAGE),
    }
    found: list[BaseRoute] = []
    for name, (first, *others) in pages.items():
        path = client_path("{namespace}", name)
        found += [Route(path, _with_slash), Mount(path, Files(first, HEADERS, *others, html=True))]
    return found


async def _with_slash(request: Request) -> Response:
    return RedirectResponse(request.url.path + "/")
