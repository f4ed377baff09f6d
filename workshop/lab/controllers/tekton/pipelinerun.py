"""Reconciles PipelineRuns: reads the state of their runs, starts the next ones, writes the status.

All state is in the store. A reconcile decides in this order: whether the run is cancelled or timed out, which tasks are
skipped, which can start, and what the condition is. Each decision has its own module.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from workshop.lab.admission.tekton.config import config_of
from workshop.lab.admission.tekton.decode import decode
from workshop.lab.api_errors import AlreadyExists
from workshop.lab.controllers.conditions import Status, save_status, set_condition
from workshop.lab.controllers.events import Events
from workshop.lab.controllers.tekton import skipping
from workshop.lab.controllers.tekton.children import children_of
from workshop.lab.controllers.tekton.claims import claims_for
from workshop.lab.controllers.tekton.deadlines import Clocks, Deadlines, deadlines, limits
from workshop.lab.controllers.tekton.errors import RunError, user_error
from workshop.lab.controllers.tekton.features import note_flags
from workshop.lab.controllers.tekton.lookups import TaskLookup
from workshop.lab.controllers.tekton.nodes import CANCELLED_MESSAGE, TIMED_OUT_MESSAGE, Node, Nodes
from workshop.lab.controllers.tekton.params import ParamProblem, check_enums, kind_of
from workshop.lab.controllers.tekton.pipelinecondition import RunCondition, run_condition
from workshop.lab.controllers.tekton.pipelineresults import pipeline_results
from workshop.lab.controllers.tekton.resolve_pipeline import resolve_pipeline, typed_pipeline
from workshop.lab.controllers.tekton.resolvers import Waiting
from workshop.lab.controllers.tekton.skipping import Facts
from workshop.lab.controllers.tekton.task_checks import check_params, spec_of
from workshop.lab.controllers.tekton.taskrun import CONTROLLER
from workshop.lab.kinds import built_in
from workshop.lab.records import Record
from workshop.lab.store import Store, now
from workshop.manifests.objects import Object, is_done, labels_of
from workshop.manifests.tekton import (
    Param,
    PipelineRun,
    PipelineRunSpec,
    PipelineSpec,
    TaskRun,
    format_duration,
    parse_duration,
)
from workshop.manifests.tekton.graph import dependencies, result_refs
from workshop.manifests.tekton.references import replaced, replaced_value
from workshop.manifests.tekton.when import CelError, holds, resolved

_CANCELLED = {"CustomRun": "RunCancelled", "PipelineRun": "Cancelled", "TaskRun": "TaskRunCancelled"}
"""The kinds of the runs of tasks, and the `spec.status` that cancels each."""


@dataclass
class _Parsed:
    """What is parsed of a PipelineRun while it goes on. The objects are shared between reconciles and not changed."""

    uid: str
    generation: int
    spec: PipelineRunSpec
    pipeline: tuple[PipelineSpec, Nodes] | None = None
    rest: _Rest | None = None


@dataclass(frozen=True)
class _Rest:
    """What the last reconcile of a run left."""

    run: Object
    """The run as it is stored."""
    version: int
    dependents: Sequence[Record]
    until: float
    """When the next timeout is reached, by the monotonic clock; infinity without a timeout."""

    def left(self) -> float | None:
        """The seconds until the next timeout; None without one."""
        return None if self.until == math.inf else self.until - time.monotonic()


class PipelineRuns:
    """The reconciler, for a Loop that owns PipelineRuns and watches TaskRuns and CustomRuns."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._events = Events(store, "PipelineRun")
        self._runs = built_in("PipelineRun")
        self._clocks = Clocks()
        self._parsed: dict[tuple[str, str], _Parsed] = {}

    async def reconcile(self, namespace: str, name: str) -> float | None:
        """Reconcile one PipelineRun. Returns the seconds until the next reconcile."""
        rest = self._rest(namespace, name)
        if rest:
            return rest.left()
        run = self._run(namespace, name)
        if run is None or is_done(run) or run["spec"].get("managedBy", CONTROLLER) != CONTROLLER:
            forgotten = self._parsed.pop((namespace, name), None)
            if forgotten:
                self._clocks.forget(forgotten.uid)
            return None
        status: Status = run.setdefault("status", {})
        known = self._known(run)
        known.rest, spec = None, known.spec
        try:
            if not status.get("pipelineSpec"):
                if spec.status == "PipelineRunPending":
                    set_condition(status, "Unknown", "PipelineRunPending", f'PipelineRun "{name}" is pending')
                    save_status(self._store, self._runs, run)
                    return None
                self._begin(run, spec)
            return self._advance(run, spec)
        except Waiting as e:
            reason = "ResolvingPipelineRef" if e.what == "Pipeline" else "ResolvingTaskRef"
            set_condition(status, "Unknown", reason, f"PipelineRun {namespace}/{name} awaiting remote resource")
            save_status(self._store, self._runs, run)
            return None
        except RunError as e:
            self._end(run, RunCondition("False", e.reason, e.message))
            return None

    # -- start ---------------------------------------------------------------------------------------------------------

    def _begin(self, run: Object, spec: PipelineRunSpec) -> None:
        meta, status = run["metadata"], run["status"]
        if "startTime" not in status:
            status["startTime"] = now()
            self._events.emit(run, "Started", "")
        self._clocks.start(meta["uid"])
        flags = config_of(self._store).flags
        note_flags(status, flags)
        if spec.status == "Cancelled":
            return
        start = resolve_pipeline(self._store, run, spec, flags)
        labels = {**start.labels, **(meta.get("labels") or {})}
        annotations = {**start.annotations, **(meta.get("annotations") or {})}
        if labels != meta.get("labels") or annotations != (meta.get("annotations") or {}):
            meta["labels"] = labels
            if annotations:
                meta["annotations"] = annotations
            stored = self._store.update(self._runs, run)
            meta["resourceVersion"] = stored["metadata"]["resourceVersion"]
        status["pipelineSpec"] = start.raw
        note_flags(status, flags, start.source)

    def _pipeline(self, run: Object) -> tuple[PipelineSpec, Nodes]:
        """The run's Pipeline, parsed once, and its tasks as they are now."""
        known = self._known(run)
        if known.pipeline is None:
            spec = typed_pipeline(run["status"].get("pipelineSpec") or {})
            known.pipeline = (spec, Nodes(spec, dependencies(spec.tasks)))
        known.pipeline[1].update(self._children(known.uid))
        return known.pipeline

    # -- while it runs -------------------------------------------------------------------------------------------------

    def _advance(self, run: Object, spec: PipelineRunSpec) -> float | None:
        name = run["metadata"]["name"]
        if spec.status == "Cancelled":
            self._cancel_all(run, CANCELLED_MESSAGE)
            self._end(run, RunCondition("False", "Cancelled", f'PipelineRun "{name}" was cancelled'))
            return None
        pipeline, nodes = self._pipeline(run)
        when_due = deadlines(run, spec.timeouts, self._clocks)
        if when_due.pipeline:
            self._cancel_all(run, TIMED_OUT_MESSAGE)
            given = spec.timeouts.pipeline if spec.timeouts else None
            limit = format_duration(parse_duration(given or "1h"))
            text = f'PipelineRun "{name}" failed to finish within "{limit}"'
            self._end(run, RunCondition("False", "PipelineRunTimeout", text))
            return None
        _check_cel(nodes, name)
        facts = Facts(
            nodes,
            name=name,
            namespace=run["metadata"]["namespace"],
            spec_status=spec.status,
            tasks_timed_out=when_due.tasks or self._tasks_were_cut(nodes),
            tasks_limit=_tasks_limit(spec) if when_due.tasks_over else "",
            finally_timed_out=when_due.final,
        )
        skipping.decide(facts)
        self._stop_some(spec, facts, when_due)
        self._start_ready(run, spec, facts)
        self._show(run, facts)
        found = run_condition(facts)
        if found.value == "Unknown":
            set_condition(run["status"], found.value, found.reason, found.message)
            save_status(self._store, self._runs, run)
            self._events.emit(run, found.reason, found.message)
            return self._rests(run, spec)
        results, missing = pipeline_results(pipeline, TaskLookup(nodes))
        if results:
            run["status"]["results"] = results
        if missing:
            text = f"invalid pipelineresults [{' '.join(missing)}], the referenced results don't exist"
            text = f"Failed to get PipelineResult from TaskRun Results for PipelineRun {name}: {text}"
            found = RunCondition("False", "CouldntGetPipelineResult", text)
        self._end(run, found)
        return None

    def _run(self, namespace: str, name: str) -> Object | None:
        """The run. It is parsed only if another than the last reconcile has written it."""
        known, record = self._parsed.get((namespace, name)), self._store.find_record(self._runs, namespace, name)
        rest = known.rest if known else None
        if record is None or rest is None or record.version != rest.version:
            return record.object() if record else None
        return rest.run

    def _rest(self, namespace: str, name: str) -> _Rest | None:
        """What the last reconcile left, if no run of a task has ended since.

        The loop calls again for the status that a reconcile wrote.
        """
        known = self._parsed.get((namespace, name))
        record = self._store.find_record(self._runs, namespace, name)
        rest = known.rest if known else None
        if known is None or rest is None or record is None:
            return None
        if record.version != rest.version or rest.until <= time.monotonic():
            return None
        now_there = self._store.dependents(known.uid)
        if len(now_there) != len(rest.dependents):
            return None
        changed = [(new, old) for new, old in zip(now_there, rest.dependents, strict=True) if new is not old]
        return None if any(new.uid != old.uid or is_done(new.object()) for new, old in changed) else rest

    def _rests(self, run: Object, spec: PipelineRunSpec) -> float | None:
        """Note what a reconcile leaves. Returns the seconds until the next timeout."""
        known = self._known(run)
        left = deadlines(run, spec.timeouts, self._clocks).next
        until = math.inf if left is None else time.monotonic() + left
        version = int(run["metadata"]["resourceVersion"])
        known.rest = _Rest(run, version, self._store.dependents(known.uid), until)
        return left

    def _stop_some(self, spec: PipelineRunSpec, facts: Facts, when_due: Deadlines) -> None:
        """Cancel the tasks that a graceful cancel or a timeout ends, without the final tasks."""
        before = [child for node in facts.nodes if not node.final for child in node.children]
        if when_due.tasks:
            self._cancel(before, TIMED_OUT_MESSAGE)
        elif spec.status == "CancelledRunFinally":
            self._cancel(before, CANCELLED_MESSAGE)
        if when_due.final:
            self._cancel([c for n in facts.nodes if n.final for c in n.children], TIMED_OUT_MESSAGE)

    def _start_ready(self, run: Object, spec: PipelineRunSpec, facts: Facts) -> None:
        """Create the runs of the tasks that can start."""
        starting = skipping.ready(facts)
        if not starting:
            return
        claims, config = claims_for(self._store, run), config_of(self._store)
        raw = run["status"]["pipelineSpec"]
        raw_tasks = {task["name"]: task for task in [*(raw.get("tasks") or []), *(raw.get("finally") or [])]}
        for node in starting:
            if node.final and not run["status"].get("finallyStartTime"):
                run["status"]["finallyStartTime"] = now()
                self._clocks.start(f"{run['metadata']['uid']}/finally")
            self._check_results_fit(run, node, facts)
            _check_matrix(node, facts)
            self._check_cycle(run, node)
            made = children_of(run, spec, raw_tasks[node.name], node, facts.nodes, claims, config.defaults)
            if config.flags.param_enum:
                self._check_enums(run, node, made)
            for child in made:
                kind = built_in(child["kind"])
                try:
                    node.start(self._store.create(kind, child))
                except AlreadyExists:
                    meta = child["metadata"]
                    node.start(self._store.get(kind, meta["namespace"], meta["name"]))

    def _check_cycle(self, run: Object, node: Node) -> None:
        """Raise RunError if a task runs a Pipeline that runs it. Source: detectPipelineRefCycle."""
        wanted = node.task.pipeline_ref.name if node.task.pipeline_ref else ""
        visited: list[str] = []
        seen: set[str] = set()
        current: Object | None = run if wanted else None
        # Owners are what a client wrote, so they may own each other.
        while current is not None and current["metadata"]["uid"] not in seen:
            seen.add(current["metadata"]["uid"])
            name = labels_of(current).get("tekton.dev/pipeline", "")
            if name == wanted:
                text = (
                    f'detected cycle in pipeline-in-pipeline: pipeline "{wanted}" is already running in ancestor chain'
                )
                raise RunError("CreateRunFailed", f"{text} [{' '.join(visited)}]")
            visited += [name] if name else []
            owners = current["metadata"].get("ownerReferences") or ()
            owner = next((one["name"] for one in owners if one.get("kind") == "PipelineRun"), "")
            current = self._store.find(self._runs, run["metadata"]["namespace"], owner)

    def _check_results_fit(self, run: Object, node: Node, facts: Facts) -> None:
        """Check the params of a task whose values are results. Raises RunError. Source: ValidateResolvedTask."""
        if not any(result_refs(node.task)):
            return
        spec = spec_of(self._store, run, node.task, "")
        if spec is not None:
            lookup = TaskLookup(facts.nodes, with_states=node.final)
            given = [Param(name=one.name, value=replaced_value(one.value, lookup)) for one in node.task.params]
            check_params(msgspec.structs.replace(node.task, params=given), spec, run["metadata"]["name"])

    def _check_enums(self, run: Object, node: Node, children: list[Object]) -> None:
        """Check the params of the TaskRuns of a task. Raises RunError."""
        spec = spec_of(self._store, run, node.task, "")
        for child in children if spec else ():
            try:
                check_enums(spec.params if spec else (), decode(child, TaskRun).spec.params)
            except ParamProblem as e:
                text = f'Invalid param value from PipelineTask "{node.name}": {e.names}'
                raise user_error("InvalidParamValue", text) from e

    def _children(self, uid: str) -> list[Record]:
        """The runs of the tasks of a run."""
        return [record for record in self._store.dependents(uid) if record.kind.kind in _CANCELLED]

    def _known(self, run: Object) -> _Parsed:
        """What is parsed of a run, until its spec changes."""
        meta = run["metadata"]
        key = meta["namespace"], meta["name"]
        known = self._parsed.get(key)
        if known is None or (known.uid, known.generation) != (meta["uid"], meta["generation"]):
            known = self._parsed[key] = _Parsed(meta["uid"], meta["generation"], decode(run, PipelineRun).spec)
        return known

    def _cancel_all(self, run: Object, message: str) -> None:
        self._cancel([record.object() for record in self._children(run["metadata"]["uid"])], message)

    def _cancel(self, children: list[Object], message: str) -> None:
        """Cancel the unfinished runs. Their own controllers stop them."""
        for child in children:
            if is_done(child) or child["spec"].get("status"):
                continue
            spec = {**child["spec"], "status": _CANCELLED[child["kind"]]}
            if child["kind"] != "PipelineRun":
                spec["statusMessage"] = message
            changed = {key: one for key, one in child.items() if key != "status"}
            self._store.update(built_in(child["kind"]), {**changed, "spec": spec})

    def _tasks_were_cut(self, nodes: Nodes) -> bool:
        return any(node.timed_out for node in nodes if not node.final)

    # -- status --------------------------------------------------------------------------------------------------------

    def _show(self, run: Object, facts: Facts) -> None:
        """Set child references and skipped tasks, in the order of the Pipeline."""
        status: Status = run["status"]
        references, skipped = [], []
        lookups = {final: TaskLookup(facts.nodes, with_states=final) for final in (False, True)}
        for node in facts.nodes:
            lookup = lookups[node.final]
            when = [msgspec.to_builtins(one) for one in resolved(node.task.when, lookup)] if node.task.when else []
            references += _references(node, when, lookup)
            if node.name in facts.reasons:
                entry: dict[str, Any] = {"name": node.name, "reason": facts.reasons[node.name]}
                if when:
                    entry["whenExpressions"] = when
                skipped.append(entry)
        for key, value in (("childReferences", references), ("skippedTasks", skipped)):
            if value:
                status[key] = value
            else:
                status.pop(key, None)

    def _end(self, run: Object, found: RunCondition) -> None:
        status: Status = run["status"]
        status.setdefault("startTime", now())
        status["completionTime"] = now()
        set_condition(status, found.value, found.reason, found.message)
        save_status(self._store, self._runs, run)
        ok = found.value == "True"
        self._events.emit(run, found.reason if ok else "Failed", found.message, warning=not ok)


def _check_cel(nodes: Nodes, run: str) -> None:
    """Raise RunError for an expression of a task that cannot be evaluated. Source: the calls of EvaluateCEL."""
    for node in nodes:
        if node.task.when and any(one.cel for one in node.task.when):
            try:
                holds(resolved(node.task.when, TaskLookup(nodes, with_states=node.final)))
            except CelError as e:
                raise user_error("CELEvaluationFailed", f"Error evaluating CEL {run}: {e}") from e


def _check_matrix(node: Node, facts: Facts) -> None:
    """Raise RunError for a matrix whose lists are no lists. Source: ValidateParameterTypesInMatrix."""
    if node.task.matrix is None:
        return
    matrix = skipping.resolved_matrix(node.task.matrix, TaskLookup(facts.nodes, with_states=node.final))
    wrong = next(((p, "string") for one in matrix.include for p in one.params if kind_of(p.value) != "string"), None)
    wrong = wrong or next(((p, "array") for p in matrix.params if kind_of(p.value) != "array"), None)
    if wrong:
        param, wanted = wrong
        text = (
            f'parameters of type {wanted} only are allowed, but param "{param.name}" has type '
            f'"{kind_of(param.value)}" in pipelineTask "{node.name}"'
        )
        # Upstream's own format: its message has two verbs and one value.
        message = f"Failed to validate matrix {json.dumps(text)} with error %!v(MISSING)"
        raise user_error("InvalidMatrixParameterTypes", message)


def _tasks_limit(spec: PipelineRunSpec) -> str:
    """The timeout of the tasks, as Tekton writes a duration."""
    seconds = limits(spec.timeouts).tasks
    return format_duration(seconds) if seconds else ""


def _references(node: Node, when: list[dict[str, Any]], lookup: TaskLookup) -> list[dict[str, Any]]:
    more: dict[str, Any] = {}
    if node.task.display_name:
        more["displayName"] = replaced(node.task.display_name, lookup)
    if when:
        more["whenExpressions"] = when
    return [{**reference, **more} for reference in node.references] if more else node.references
