"""The guide of a participant on a cluster: the lab's pages, in the participant's JupyterHub server.

jupyter-server-proxy starts it there and puts it behind the hub's login, so it has the participant's clone, kubeconfig
and terminal's environment. It listens on loopback. The pages' addresses begin with /guide, /measures, /trace and
/static; `Below` puts the server's prefix before them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path

from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from workshop.checks import CheckContext
from workshop.lab.files import REVALIDATE, Files
from workshop.lab.pages import html
from workshop.lab.pages.auth import same_origin
from workshop.lab.pages.costs import cost_routes
from workshop.lab.pages.delivery import URL as DELIVERY
from workshop.lab.pages.delivery import delivery_routes
from workshop.lab.pages.guide import guide_routes
from workshop.lab.pages.jobs import Jobs
from workshop.lab.pages.trace import trace_routes
from workshop.languages.catalog import N_
from workshop.participants.progress import NAME, Change, Progress, progress_of, remember
from workshop.participants.target import CommandTarget

STATIC = Path(__file__).parent / "static"
_SAFE = ("GET", "HEAD")
_PATHS = re.compile(rb"""(["'`(=])/(guide|static|measures|trace)/""")
_PAGES = {"EXPERIMENT_URL": "MLflow", "DASHBOARD_URL": N_("Dashboards"), "CONSOLE_URL": N_("Console")}
"""Addresses that an instructor has given, and their names in the navigation."""


class ParticipantGuide:
    """The guide of the participant who works in a target. `root` is the prefix of its addresses, without a slash."""

    terminals = 0

    def __init__(self, target: CommandTarget, root: str) -> None:
        self._target, self._root = target, root
        self.where = target.name
        self.kit = target.clone()
        self.jobs = Jobs(os.environ, self.kit)

    def values(self) -> Mapping[str, str]:
        """The names, and the addresses of the ConfigMap `mlops-endpoints`. Raises SetupError."""
        return self._target.variables()

    def context(self) -> CheckContext:
        """The participant's objects as the API server has them. Raises SetupError."""
        target = self._target
        return CheckContext(target.client(), target.variables(), target.clone(), target.env(), target.name)

    def progress(self) -> Progress:
        """What the ConfigMap in the participant's dev namespace has. Raises ApiFailure, SetupError."""
        client, namespace = self._target.client(), self._target.namespace()
        return progress_of(client.find("ConfigMap", namespace, NAME))

    def remember(self, change: Callable[[Progress], Change]) -> Progress:
        """Write to that ConfigMap. Raises ApiFailure, SetupError."""
        remember(self._target.client(), self._target.namespace(), change)
        return self.progress()

    def page(self, request: Request, template: str, values: Mapping[str, object], *, status: int = 200) -> Response:
        """A page with links to JupyterLab and to what the instructor has named."""
        known = self._target.variables()
        lab = self._root.rpartition("/")[0] + "/lab"
        path = request.url.path
        nav = [
            (N_("Guide"), "/guide/", path.startswith("/guide")),
            ("JupyterLab", lab, False),
            (N_("Measures"), DELIVERY, path.startswith("/measures")),
            (N_("Trace"), "/trace/", path.startswith("/trace")),
        ]
        nav += [(title, known[name], False) for name, title in _PAGES.items() if name in known]
        shown = {**values, "nav": nav, "who": known["WORKSHOP_USER"]}
        return html.whole(request, template, shown, status=status, cookies=f"{self._root}/")


def application(target: CommandTarget, root: str) -> ASGIApp:
    """The pages below `root`. Raises SetupError when there is no clone."""
    guide = ParticipantGuide(target, root)
    routes = [
        Route("/", lambda _: RedirectResponse("/guide/")),
        *guide_routes(guide),
        *delivery_routes(guide),
        *cost_routes(guide),
        *trace_routes(guide),
        Mount("/static", Files(STATIC, REVALIDATE)),
    ]
    return Below(Starlette(routes=routes), root)


class Below:
    """Serves an application below a prefix: in paths of requests, in redirects, and in addresses of pages and scripts.

    A request that changes something must come from a page of the same origin: the hub's cookie alone is not enough.
    """

    def __init__(self, app: ASGIApp, root: str) -> None:
        self._app, self._root = app, root.rstrip("/")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        path = scope["path"]
        if path != self._root and not path.startswith(f"{self._root}/"):
            await JSONResponse({"error": f"the guide is below {self._root}/"}, 404)(scope, receive, send)
            return
        if scope["method"] not in _SAFE and not same_origin(dict(Headers(scope=scope).items())):
            await JSONResponse({"error": "the request comes from another site"}, 403)(scope, receive, send)
            return
        inside = path.removeprefix(self._root) or "/"
        await self._app({**scope, "path": inside, "raw_path": inside.encode()}, receive, _Prefixed(send, self._root))


class _Prefixed:
    """Sends a response with the prefix before the addresses in it."""

    def __init__(self, send: Send, root: str) -> None:
        self._send, self._root = send, root
        self._start: Message = {}
        self._body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
            return
        self._body += message.get("body", b"")
        if message.get("more_body"):
            return
        headers = MutableHeaders(raw=list(self._start["headers"]))
        if headers.get("location", "").startswith("/"):
            headers["location"] = self._root + headers["location"]
        if headers.get("content-type", "").startswith(("text/html", "text/javascript", "application/javascript")):
            self._body = _PATHS.sub(rb"\1" + self._root.encode() + rb"/\2/", self._body)
            headers["content-length"] = str(len(self._body))
        await self._send({**self._start, "headers": headers.raw})
        await self._send({"type": "http.response.body", "body": self._body})
