"""The dashboards: Grafana's JSON files, which the lab's viewer draws without Grafana.

The page queries Prometheus through the lab, with three requests only: query, query_range and the values of a label. The
page names the panel types and variables that the viewer does not support.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from workshop.checks import answers
from workshop.lab.endpoints import endpoints
from workshop.lab.lab import Lab
from workshop.lab.pages import html
from workshop.lab.pages.alerts import firing, runbook
from workshop.lab.pages.overview import curl
from workshop.lab.participant import clone_folder

TIMEOUT = aiohttp.ClientTimeout(total=30, connect=2)
MISSING = (
    "Prometheus is not installed here, so no metrics are kept and there is nothing to draw. "
    "Run: make setup, then workshop down and workshop up."
)
SILENT = "Prometheus does not answer. See: workshop status, workshop logs prometheus."


@dataclass(frozen=True)
class Board:
    """One dashboard file; `file` is its name without the extension."""

    file: str
    uid: str
    title: str
    description: str
    rows: tuple[str, ...]
    body: dict[str, Any]


def dashboard_routes(lab: Lab) -> list[BaseRoute]:
    """The list, the viewer and its queries."""

    async def index(request: Request) -> Response:
        # The instructor's console has no clone and no production of its own to measure.
        values = {
            "boards": boards(lab.kit, clone_folder(lab.paths)),
            "alerts": await firing(lab),
            "measures": not lab.oversees,
        }
        return html.page(lab, request, "dashboards.html", values)

    async def viewer(request: Request) -> Response:
        uid = request.path_params["uid"]
        known = boards(lab.kit, clone_folder(lab.paths))
        board = next((b for b in known if uid in (b.uid, b.file)), None)
        if board is not None and uid != board.uid:
            return RedirectResponse(f"/dashboards/{board.uid}")
        if board is None:
            return _missing(lab, request, f"There is no dashboard {uid} in grafana/rendered.")
        values = {
            "board": board,
            "boards": known,
            "json": _for_script(board.body),
            "missing": MISSING if lab.component_url("prometheus") is None else "",
            "prometheus": endpoints(lab).get("prometheus") or "",
            "curl": curl(lab),
            "alerts": await firing(lab),
            "measures": not lab.oversees,
        }
        return html.page(lab, request, "dashboard.html", values)

    async def alerts(request: Request) -> Response:
        return html.part(request, "alerts.html", {"alerts": await firing(lab)})

    async def book(request: Request) -> Response:
        try:
            body = runbook(lab)
        except OSError:
            return _missing(lab, request, "There is no grafana/runbook.md.")
        return html.page(lab, request, "runbook.html", {"body": Markup(body)})  # noqa: S704 made by our own renderer

    async def ask(request: Request) -> Response:
        if lab.component_url("prometheus") is None:
            return JSONResponse({"error": MISSING}, status_code=503)
        label = request.path_params.get("label")
        if label is not None and not label.isidentifier():
            return JSONResponse({"error": f"{label!r} is not the name of a label"}, status_code=400)
        path = f"label/{label}/values" if label else request.url.path.rpartition("/")[2]
        answer = await _proxied(f"{lab.component_url('prometheus')}/api/v1/{path}", lab.token, request)
        return _own_namespaces(lab, answer) if label == "namespace" else answer

    return [
        Route("/dashboards", lambda _: RedirectResponse("/dashboards/")),
        Route("/dashboards/", index),
        Route("/dashboards/api/query", ask),
        Route("/dashboards/api/query_range", ask),
        Route("/dashboards/api/label/{label:str}/values", ask),
        Route("/dashboards/alerts", alerts),
        Route("/dashboards/runbook", book),
        Route("/dashboards/{uid:str}", viewer),
    ]


def boards(kit: Path, clone: Path) -> list[Board]:
    """The dashboards of the kit, and those in the participant's answers. A file that is not a dashboard is left out."""
    found: dict[str, Board] = {}
    kits = ((path, _read(path)) for path in sorted((kit / "grafana" / "rendered").glob("*.json")))
    for path, body in (*kits, *answers.documents(clone)):
        try:
            rows = tuple(str(panel["title"]) for panel in body["panels"] if panel["type"] == "row")
            uid, title = str(body["uid"]), str(body["title"])
        except (KeyError, TypeError):
            continue
        found.setdefault(uid, Board(path.stem, uid, title, str(body.get("description", "")), rows, body))
    return list(found.values())


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _missing(lab: Lab, request: Request, message: str) -> Response:
    values = {"message": message, "back": "/dashboards/", "back_name": "All dashboards"}
    return html.page(lab, request, "missing.html", values, status=404)


async def _proxied(url: str, token: str, request: Request) -> Response:
    try:
        async with (
            aiohttp.ClientSession(timeout=TIMEOUT, headers={"Authorization": f"Bearer {token}"}) as session,
            session.get(url, params=list(request.query_params.multi_items())) as answer,
        ):
            body = await answer.read()
            return Response(
                body,
                status_code=answer.status,
                media_type="application/json",
                headers={"Cache-Control": "no-store"},
            )
    except (OSError, TimeoutError, aiohttp.ClientError):
        return JSONResponse({"error": SILENT}, status_code=503)


def _own_namespaces(lab: Lab, answer: Response) -> Response:
    """The values of the label `namespace` without those of other participants: a dashboard opens with the first."""
    try:
        body = json.loads(bytes(answer.body))
        body["data"] = [name for name in body["data"] if lab.sees(str(name))]
    except (ValueError, KeyError, TypeError):
        return answer
    return JSONResponse(body, status_code=answer.status_code, headers={"Cache-Control": "no-store"})


def _for_script(body: dict[str, Any]) -> Markup:
    """JSON for a script element: `<` is escaped so that no text can end the element."""
    return Markup(json.dumps(body).replace("<", "\\u003c"))  # noqa: S704
