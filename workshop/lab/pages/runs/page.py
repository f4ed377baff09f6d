"""The content of a run's page: its graph, its times, the selected task, events, commands.

Without a selection, the page shows the task that failed first, else one that waits for approval, else one that runs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from delivery.asking import MAIN

from workshop.lab.endpoints import endpoints
from workshop.lab.kinds import built_in
from workshop.lab.lab import Lab
from workshop.lab.pages.runs import approvals, commands, evidence, graph
from workshop.lab.pages.runs.approvals import Approval
from workshop.lab.pages.runs.children import children
from workshop.lab.pages.runs.commands import Command
from workshop.lab.pages.runs.graph import Node
from workshop.lab.pages.runs.states import APPROVAL, State, run_state
from workshop.lab.pages.runs.tasks import Step, Task, Value, binding, task, values
from workshop.lab.pages.runs.timeline import Timeline, timeline
from workshop.lab.pages.times import Span
from workshop.lab.store import Store
from workshop.manifests.objects import Object, labels_of, results_of, status_of
from workshop.participants.names import EXPERIMENT_PAGE

EVENTS = 40
"""Limit of events shown; the newest are kept."""
REPORT = "mlflow-run"
"""The result of a Pipeline that compares variants: the run in MLflow with the report."""
_RUN_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class Event:
    """One event; `clock` is the time of its last occurrence."""

    clock: str
    about: str
    reason: str
    message: str
    warning: bool
    count: int


@dataclass(frozen=True)
class Looked:
    """The selected task, and the step whose log is open."""

    node: Node
    task: Task | None
    step: Step | None
    approval: Approval | None
    evidence: str
    """The address of the approval's comparison; empty if the run promotes nothing."""
    siblings: tuple[Node, ...]


@dataclass(frozen=True)
class RunPage:
    """The page of a PipelineRun."""

    name: str
    namespace: str
    pipeline: str
    state: State
    span: Span
    nodes: tuple[Node, ...]
    timeline: Timeline
    looked: Looked | None
    params: tuple[Value, ...]
    workspaces: tuple[Value, ...]
    results: tuple[Value, ...]
    events: tuple[Event, ...]
    commands: tuple[Command, ...]
    traced: bool
    """Whether the page links to the run's trace: an instructor's pages have none."""
    report: str
    """The address of the run's comparison report in MLflow; empty without one."""

    @property
    def tasks(self) -> tuple[Node, ...]:
        return tuple(node for node in self.nodes if not node.final)

    @property
    def final(self) -> tuple[Node, ...]:
        return tuple(node for node in self.nodes if node.final)


@dataclass(frozen=True)
class TaskPage:
    """The page of a TaskRun without a PipelineRun."""

    task: Task
    step: Step | None
    events: tuple[Event, ...]
    commands: tuple[Command, ...]


def run_page(lab: Lab, run: Object, key: str = "", step: str = "") -> RunPage:
    """The page of a PipelineRun with the task of `key` (see Node.key) and its step selected."""
    store, meta, status = lab.store, run["metadata"], status_of(run)
    name, namespace = str(meta["name"]), str(meta["namespace"])
    made = children(store, run)
    custom = [child for child in made if child["kind"] == "CustomRun"]
    found = graph.nodes(run, made, approvals.pending(store, custom))
    node = graph.find(found, key) if key else None
    looked = _looked(lab, found, node or first_look(found), step, made)
    spec, known = run.get("spec") or {}, status.get("pipelineSpec") or {}
    lines = commands.of_run(namespace, name)
    if looked and looked.task:
        lines = (*commands.of_task(looked.task, looked.step), *lines)
    return RunPage(
        name=name,
        namespace=namespace,
        pipeline=pipeline_name(run),
        state=run_state(run),
        span=Span.of(status.get("startTime"), status.get("completionTime")),
        nodes=found,
        timeline=timeline(found),
        looked=looked,
        params=values(spec.get("params"), known.get("params")),
        workspaces=tuple(Value(str(w.get("name")), binding(w)) for w in spec.get("workspaces") or []),
        results=values(status.get("results")),
        events=events(store, namespace, [meta.get("uid"), *(child["metadata"].get("uid") for child in made)]),
        commands=lines,
        traced=not lab.oversees,
        report=_report(lab, run),
    )


def _report(lab: Lab, run: Object) -> str:
    """The page of a comparison in MLflow, by the run that the Pipeline has as its result.

    The page's address has the experiment too, which is known for the main use case.
    """
    param = next((str(one.get("value")) for one in run["spec"].get("params") or [] if one["name"] == "usecase"), MAIN)
    found, server = str(results_of(run).get(REPORT, "")).strip(), endpoints(lab).get("mlflow")
    if param != MAIN or not server or not _RUN_ID.fullmatch(found):
        return ""
    return f"{server}{EXPERIMENT_PAGE}/{found}/artifacts/comparison/index.html"


def task_page(lab: Lab, run: Object, step: str = "") -> TaskPage:
    """The page of a TaskRun."""
    found = task(lab.paths, run)
    meta = run["metadata"]
    return TaskPage(
        task=found,
        step=_step(found, step),
        events=events(lab.store, str(meta["namespace"]), [meta.get("uid")]),
        commands=commands.of_task_alone(found),
    )


def first_look(found: tuple[Node, ...]) -> Node | None:
    """The node that a page selects first: the worst one, else the last that ended; None if none has started."""
    flat = [node for one in found for node in (one.children or (one,)) if node.child]
    worst = graph.worst([node for node in flat if node.state.mark in ("bad", "run") or node.state == APPROVAL])
    return worst or max(flat, key=lambda node: node.span.end.timestamp() if node.span.end else 0.0, default=None)


def pipeline_name(run: Object) -> str:
    """The Pipeline of a PipelineRun; `inline` if the run contains it."""
    named = ((run.get("spec") or {}).get("pipelineRef") or {}).get("name")
    return str(named or labels_of(run).get("tekton.dev/pipeline") or "inline")


def events(store: Store, namespace: str, uids: Iterable[object]) -> tuple[Event, ...]:
    """The events about these objects, newest first."""
    wanted = set(uids)
    listed = store.objects(built_in("Event"), namespace)
    found = [event for event in listed if (event.get("involvedObject") or {}).get("uid") in wanted]
    found.sort(key=_seen, reverse=True)
    return tuple(
        Event(
            clock=Span.of(one.get("lastTimestamp"), None).clock,
            about=str((one.get("involvedObject") or {}).get("name") or ""),
            reason=str(one.get("reason") or ""),
            message=str(one.get("message") or ""),
            warning=one.get("type") == "Warning",
            count=int(one.get("count") or 1),
        )
        for one in found[:EVENTS]
    )


def _seen(event: Object) -> tuple[str, int]:
    """The time of an event's last occurrence; within one second, the order of writing."""
    return str(event.get("lastTimestamp") or ""), int(event["metadata"].get("resourceVersion") or 0)


def _looked(lab: Lab, found: tuple[Node, ...], node: Node | None, step: str, made: list[Object]) -> Looked | None:
    if node is None:
        return None
    flat = [one for each in found for one in (each.children or (each,))]
    siblings = tuple(one for one in flat if one.task == node.task)
    child = node.child
    seen = task(lab.paths, child) if child and child["kind"] == "TaskRun" else None
    custom = child if child and child["kind"] == "CustomRun" else None
    asked = approvals.approval(lab.store, custom, lab.user) if custom else None
    about = f"/approvals/{asked.namespace}/{asked.name}/evidence" if asked and any(map(evidence.promotes, made)) else ""
    return Looked(node, seen, _step(seen, step) if seen else None, asked, about, siblings if len(siblings) > 1 else ())


def _step(found: Task, wanted: str) -> Step | None:
    """The step of this name (of the last attempt) or of this id (of any attempt); else the one to show first."""
    every = [step for attempt in reversed(found.attempts) for step in attempt.steps]
    return next((step for step in every if wanted and wanted in (step.name, step.id)), None) or found.step
