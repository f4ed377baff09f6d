"""The instructor's board: who is on which module and for how long, who asks for help, what is red, what is not ready.

It reads the participants' progress and runs in the lab's store; nothing leaves the lab. Participants get 403.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from workshop.guide.module import Module, load_all, questions_of
from workshop.lab.kinds import built_in
from workshop.lab.lab import Lab
from workshop.lab.pages import html
from workshop.lab.pages.overview import mark_of
from workshop.lab.pages.runs.listing import OWNER, Rows
from workshop.lab.parts import Part, personal_name
from workshop.lab.progress import remember
from workshop.lab.records import Record
from workshop.manifests.objects import Object, namespace_and_name
from workshop.participants.progress import NAME, helped, one_line
from workshop.participants.standing import (
    LONGEST,
    Entry,
    OpenTask,
    RedRun,
    Score,
    Seen,
    Standing,
    contest,
    open_most,
    red_runs,
    scores,
    standing,
)

OPEN_SHOWN = 8
"""Tasks in the list of those that most participants have not done."""
SCORES_SHOWN = 10
"""Participants in the list of predictions, and in that of the contest."""
KEPT_SECONDS = 10
"""The times on the board are in minutes."""
SLOW = 2
"""A participant who needs this many times the minutes of a module's text is marked."""


@dataclass(frozen=True)
class Row:
    """A participant on the page. `minutes` in the module, None if they have not begun; `help_minutes` of waiting."""

    found: Standing
    title: str
    minutes: int | None
    slow: bool
    help_minutes: int | None

    @property
    def name(self) -> str:
        return self.found.name


@dataclass(frozen=True)
class PartState:
    """A part of the lab: its state and the mark of it."""

    name: str
    state: str
    mark: str
    message: str


@dataclass(frozen=True)
class Board:
    """The whole page. `waiting` asks for help, the longest first; `parts` are those that are not ready."""

    rows: tuple[Row, ...]
    waiting: tuple[Row, ...]
    open: tuple[OpenTask, ...]
    scores: tuple[Score, ...]
    contest: tuple[Entry, ...]
    red: tuple[RedRun, ...]
    parts: tuple[PartState, ...]
    ready: int
    titles: Mapping[str, str]
    modules: int

    @property
    def done(self) -> int:
        """Participants who have done every module."""
        return sum(row.found.done == self.modules for row in self.rows)

    @property
    def slow(self) -> int:
        """Participants who are longer in a module than planned."""
        return sum(row.slow for row in self.rows)


def board_routes(lab: Lab, rows: Rows) -> list[BaseRoute]:
    """The board and its answer to a request for help."""
    kept: tuple[tuple[int, int, tuple[Part, ...]], Board] | None = None
    modules: list[Module] = []

    def current() -> Board:
        """The board, made once for a state of the lab: the page asks every two seconds."""
        nonlocal kept
        parts = tuple(part for view in lab.views for part in view.parts.values())
        state = lab.store.version, int(time.time() // KEPT_SECONDS), parts
        if not modules:
            modules.extend(load_all(lab.kit / "workshop" / "modules"))
        if kept is None or kept[0] != state:
            kept = state, board(lab, rows, modules)
        return kept[1]

    async def page(request: Request) -> Response:
        values = {"board": current()}
        if request.query_params.get("part") == "live":
            return html.part(request, "board-live.html", values)
        return html.page(lab, request, "board.html", values)

    async def mark(request: Request) -> Response:
        name = request.path_params["name"]
        participant = next((view.participant for view in lab.views if view.participant.name == name), None)
        if participant is None:
            return JSONResponse({"error": f"the lab has no participant {one_line(name, 40)}"}, status_code=404)
        remember(lab.store, participant, helped)
        return Response(status_code=204)

    return [Route("/board", page), Route("/board/helped/{name}", mark, methods=["POST"])]


def forbidden_board(lab: Lab) -> list[BaseRoute]:
    """What participants get in place of the board."""

    async def refused(request: Request) -> Response:
        message = (
            "The board is the instructor's. Their link is the one that `workshop links` prints for the instructor."
        )
        if "text/html" not in request.headers.get("accept", ""):
            return JSONResponse({"error": message}, status_code=403)
        values = {"message": message, "back": "/", "back_name": "To the console"}
        return html.page(lab, request, "missing.html", values, status=403)

    return [Route("/board", refused), Route("/board/{rest:path}", refused, methods=["GET", "POST", "DELETE"])]


def board(lab: Lab, rows: Rows, modules: Sequence[Module]) -> Board:
    """The board's current content."""
    known = {module.number: module for module in modules if module.runs_on != "cluster"}
    found = [standing(name, seen, list(known)) for name, seen in _seen(lab).items()]
    now, parts = time.time(), _parts(lab)
    made = tuple(_row(one, known, now) for one in found)
    waiting = sorted((row for row in made if row.found.waits), key=lambda row: -(row.help_minutes or 0))
    # The console shows the line of a step's log that says why; it is better than Tekton's message.
    lines = {(row.namespace, row.name): row.error for row in rows.newest(pipelines_only=True) if row.error}
    red = [
        replace(one, why=one_line(lines.get((one.namespace, one.name), one.why), LONGEST))
        for each in found
        for one in each.red
    ]
    return Board(
        made,
        tuple(waiting),
        tuple(open_most(found)[:OPEN_SHOWN]),
        tuple(scores(found, questions_of(modules))[:SCORES_SHOWN]),
        tuple(contest(found)[:SCORES_SHOWN]),
        tuple(red),
        tuple(part for part in parts if part.mark != "ok"),
        sum(part.mark == "ok" for part in parts),
        {number: module.title for number, module in known.items()},
        len(known),
    )


def _row(found: Standing, modules: Mapping[str, Module], now: float) -> Row:
    module = modules.get(found.module)
    minutes = None if found.since is None or module is None else max(0, int((now - found.since) / 60))
    slow = module is not None and minutes is not None and minutes > SLOW * module.minutes
    waits = max(0, int((now - found.help.asked) / 60)) if found.help and found.waits else None
    return Row(found, module.title if module else "", minutes, slow, waits)


def _seen(lab: Lab) -> dict[str, Seen]:
    """The objects in the store by participant."""
    owners = {namespace: view.participant.name for view in lab.views for namespace in view.participant.namespaces}
    found: dict[str, dict[str, list[Object]]] = {view.participant.name: {} for view in lab.views}

    def read(kind: str, wanted: Callable[[Record], bool]) -> None:
        for mine in found.values():
            mine[kind] = []
        for record in lab.store.records(built_in(kind)):
            if record.namespace in owners and wanted(record):
                found[owners[record.namespace]][kind].append(record.object())

    for kind in ("Pod", "PipelineRun", "ResourceQuota"):
        read(kind, lambda _: True)
    read("ConfigMap", lambda record: record.name == NAME and record.namespace.endswith("-dev"))
    failed = {namespace_and_name(run) for mine in found.values() for run in red_runs(mine["PipelineRun"])}
    read("TaskRun", lambda record: (record.namespace, record.labels.get(OWNER, "")) in failed)
    return {
        name: Seen(
            next(iter(mine["ConfigMap"]), None),
            mine["Pod"],
            mine["ResourceQuota"],
            mine["PipelineRun"],
            mine["TaskRun"],
        )
        for name, mine in found.items()
    }


def _parts(lab: Lab) -> tuple[PartState, ...]:
    """The parts of all participants, by name."""
    found = dict(lab.views[0].parts)
    for view in lab.views[1:]:
        own = [name for name, spec in lab.components.items() if spec.personal and name in view.parts]
        found |= {personal_name(name, view.participant): view.parts[name] for name in own}
    return tuple(PartState(name, part.state, mark_of(part), part.message) for name, part in sorted(found.items()))
