"""The guide in the browser: the modules, a page each, and the button that checks one.

What a page shows is made anew at each request, so an edited module or a part that has started since is
seen at once.
"""

from __future__ import annotations

from typing import Any

from anyio import from_thread
from markupsafe import Markup
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from workshop.checks import CHECKS, CheckContext
from workshop.errors import WorkshopError
from workshop.guide.module import load_all
from workshop.guide.render import render
from workshop.guide.values import values
from workshop.lab.kinds import KINDS, Object
from workshop.lab.pages import html
from workshop.lab.pages.context import Context
from workshop.lab.store import Store


def guide_routes(context: Context) -> list[BaseRoute]:
    """The list of modules, their pages and their checks."""

    async def index(request: Request) -> Response:
        modules = load_all(context.kit / "workshop" / "modules")
        total = sum(module.minutes for module in modules)
        return html.page(context, request, "guide.html", {"modules": modules, "total": total})

    async def module_page(request: Request) -> Response:
        modules = load_all(context.kit / "workshop" / "modules")
        found = next((m for m in modules if request.path_params["name"] in (m.name, m.number)), None)
        if found is None:
            gone = {
                "message": f"The guide has no module {request.path_params['name']}.",
                "back": "/guide/",
                "back_name": "All modules",
            }
            return html.page(context, request, "missing.html", gone, status=404)
        if request.path_params["name"] == found.number:
            return RedirectResponse(f"/guide/{found.name}")
        at = modules.index(found)
        try:
            body, problem = render(found, context.kit, _values(context)), ""
        except WorkshopError as e:
            body, problem = "", str(e)
        shown = {
            "module": found,
            "body": Markup(body),  # noqa: S704 made by our own renderer
            "problem": problem,
            "previous": modules[at - 1] if at else None,
            "next": modules[at + 1] if at + 1 < len(modules) else None,
        }
        return html.page(context, request, "module.html", shown)

    async def check(request: Request) -> Response:
        number = request.path_params["number"]
        if number not in CHECKS:
            known = ", ".join(sorted(CHECKS))
            return JSONResponse({"error": f"module {number} has no check; known are {known}"}, status_code=404)
        about = CheckContext(_Objects(context.store), _values(context), context.kit)
        try:
            findings = await run_in_threadpool(CHECKS[number], about)
        except WorkshopError as e:
            return JSONResponse({"error": str(e)}, status_code=500)
        return JSONResponse(
            {
                "module": number,
                "ok": all(finding.ok for finding in findings),
                "findings": [{"task": f.task, "ok": f.ok, "reason": f.reason, "hint": f.hint} for f in findings],
            }
        )

    return [
        Route("/guide", lambda _: RedirectResponse("/guide/")),
        Route("/guide/", index),
        Route("/guide/api/check/{number:str}", check, methods=["POST"]),
        Route("/guide/{name:str}", module_page),
    ]


def _values(context: Context) -> dict[str, str]:
    return values(context.user, context.endpoints())


class _Objects:
    """The lab's store as checks see a cluster.

    Checks wait for HTTP in a thread of their own; the store is read by the event loop that owns it.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def find(self, kind: str, namespace: str, name: str) -> Object | None:
        """One object, or None."""
        found: Object | None = from_thread.run_sync(self._store.find, KINDS.named(kind), namespace, name)
        return found

    def list(self, kind: str, namespace: str) -> list[dict[str, Any]]:
        """The objects of a kind in a namespace."""
        found: list[Object] = from_thread.run_sync(self._store.list, KINDS.named(kind), namespace)
        return found
