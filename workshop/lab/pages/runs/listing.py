"""The list of runs, newest first: PipelineRuns, and TaskRuns without a PipelineRun.

A row is computed once for each version of its object, so a long list of ended runs is cheap.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from workshop.lab.kinds import built_in
from workshop.lab.lab import Lab
from workshop.lab.pages.runs import approvals
from workshop.lab.pages.runs.children import children
from workshop.lab.pages.runs.page import pipeline_name
from workshop.lab.pages.runs.states import APPROVAL, State, run_state
from workshop.lab.pages.runs.tasks import failure
from workshop.lab.pages.times import Span
from workshop.lab.records import Record
from workshop.manifests.objects import Object, labels_of, status_of

SHOWN = 100
OWNER = "tekton.dev/pipelineRun"
"""The label that names the PipelineRun of a TaskRun."""
STATES = {"running": ("run", "idle"), "failed": ("bad",), "succeeded": ("ok",), "other": ("warn",)}
"""The filter's words and their marks; `other` is cancelled, or waits for an approval."""
_KEPT = 5000


@dataclass(frozen=True)
class Row:
    """One run. `error` is the first line that says why it failed; `done` of `tasks` have ended."""

    kind: str
    name: str
    namespace: str
    pipeline: str
    url: str
    state: State
    span: Span
    began: str
    error: str = ""
    done: int = 0
    tasks: int = 0
    skipped: int = 0


@dataclass(frozen=True)
class Listing:
    """The rows that pass the filters; `pipelines` are those to choose from."""

    rows: tuple[Row, ...]
    pipelines: tuple[str, ...]
    pipeline: str
    state: str
    total: int


class Rows:
    """The rows of one lab, each made once for a version of its object."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._known: dict[tuple[str, int], Row] = {}

    def listing(self, pipeline: str = "", state: str = "") -> Listing:
        """All runs of the namespaces that the pages show which pass the filters."""
        every = self.newest()
        wanted = STATES.get(state, ())
        passing = [
            row
            for row in every
            if (not pipeline or row.pipeline == pipeline) and (not wanted or row.state.mark in wanted)
        ]
        names = tuple(sorted({row.pipeline for row in every}))
        return Listing(tuple(passing[:SHOWN]), names, pipeline, state if wanted else "", len(passing))

    def newest(self, *, pipelines_only: bool = False) -> list[Row]:
        """The rows of all runs, newest first."""
        kinds = ("PipelineRun",) if pipelines_only else ("PipelineRun", "TaskRun")
        mine = self._lab.shown
        records = [
            record
            for name in kinds
            for record in self._lab.store.records(built_in(name))
            if record.namespace in mine and (name == "PipelineRun" or is_alone(record.labels))
        ]
        waiting = _waiting(self._lab)
        found = [self._row(record, waiting) for record in records]
        found.sort(key=lambda row: (row.began, row.name), reverse=True)
        return found

    def _row(self, record: Record, waiting: frozenset[tuple[str, str]]) -> Row:
        key = (record.uid, record.version)
        row = self._known.pop(key, None) or _made(self._lab, record)
        self._known[key] = row
        while len(self._known) > _KEPT:
            self._known.pop(next(iter(self._known)))
        if row.state.mark == "run" and (record.namespace, record.name) in waiting:
            return replace(row, state=APPROVAL)
        return row


def is_alone(labels: Mapping[str, str]) -> bool:
    """Whether no PipelineRun made the TaskRun of these labels."""
    return OWNER not in labels


def _made(lab: Lab, record: Record) -> Row:
    run = record.object()
    meta, status = run["metadata"], status_of(run)
    is_pipeline = record.kind.kind == "PipelineRun"
    state = run_state(run)
    spec = status.get("pipelineSpec") or (run.get("spec") or {}).get("pipelineSpec") or {}
    return Row(
        kind=record.kind.kind,
        name=record.name,
        namespace=record.namespace,
        pipeline=pipeline_name(run) if is_pipeline else _task_name(run),
        url=f"/{'runs' if is_pipeline else 'tasks'}/{record.namespace}/{record.name}",
        state=state,
        span=Span.of(status.get("startTime"), status.get("completionTime")),
        began=str(status.get("startTime") or meta.get("creationTimestamp") or ""),
        error=_error(lab, run) if state.mark == "bad" else "",
        done=_done(children(lab.store, run)) if is_pipeline else 0,
        tasks=len(spec.get("tasks") or []) + len(spec.get("finally") or []),
        skipped=len(status.get("skippedTasks") or []),
    )


def _done(made: Iterable[Object]) -> int:
    """How many tasks have ended; a matrix has when all its children have."""
    ended: dict[str, bool] = {}
    for child in made:
        task = str(labels_of(child).get("tekton.dev/pipelineTask"))
        ended[task] = ended.get(task, True) and run_state(child).mark not in ("run", "idle")
    return sum(ended.values())


def _error(lab: Lab, run: Object) -> str:
    """The failing step's error; Tekton's message when no task has failed."""
    if run["kind"] != "PipelineRun":
        return failure(lab.paths, run)
    failed = [child for child in children(lab.store, run) if run_state(child).mark == "bad"]
    failed.sort(key=lambda child: str(status_of(child).get("completionTime") or ""))
    return (_error(lab, failed[0]) if failed else "") or run_state(run).message


def _task_name(run: Object) -> str:
    return str(((run.get("spec") or {}).get("taskRef") or {}).get("name") or "a task written in place")


def _waiting(lab: Lab) -> frozenset[tuple[str, str]]:
    """Namespace and name of the PipelineRuns that wait for an approval."""
    runs = lab.store.objects(built_in("CustomRun"))
    open_ones = [run for run in runs if run_state(run).mark in ("run", "idle")]
    names = approvals.pending(lab.store, open_ones)
    return frozenset(
        (run["metadata"].get("namespace", ""), labels_of(run).get(OWNER, ""))
        for run in open_ones
        if run["metadata"]["name"] in names
    )
