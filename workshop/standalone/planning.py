"""What a run would do: its tasks in order, their params, and which are skipped and why. Nothing runs.

The controllers' own functions decide. Each task that would start counts as one that succeeded; a reference to its
result takes the place of the result. A `when` that needs a result cannot be decided before the run, and is shown.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from workshop.lab.admission.tekton.config import config_of
from workshop.lab.admission.tekton.decode import decode
from workshop.lab.controllers.tekton import skipping
from workshop.lab.controllers.tekton.children import children_of
from workshop.lab.controllers.tekton.errors import RunError
from workshop.lab.controllers.tekton.nodes import Node, Nodes
from workshop.lab.controllers.tekton.resolve_pipeline import resolve_pipeline, typed_pipeline
from workshop.lab.controllers.tekton.resolve_task import find_task, resolve_task
from workshop.lab.controllers.tekton.skipping import Facts
from workshop.lab.kinds import built_in
from workshop.manifests.objects import Object
from workshop.manifests.tekton import PipelineRun, PipelineSpec, WhenExpression
from workshop.manifests.tekton.graph import dependencies, result_refs
from workshop.manifests.tekton.references import in_value
from workshop.manifests.tekton.when import holds, texts
from workshop.standalone.engine import Engine

_OF_TASKS = ("tasks", "finally")
"""How references to results and states of tasks begin."""


@dataclass(frozen=True)
class PlannedTask:
    """One task. `skipped` is why it does not run; `depends` are conditions that only the run can decide."""

    name: str
    after: tuple[str, ...]
    final: bool
    skipped: str
    depends: tuple[str, ...]
    runs: tuple[Object, ...]
    """The TaskRuns or CustomRuns, several for a matrix, with their params and specs substituted."""
    problems: tuple[str, ...]
    """Why a TaskRun would fail before its first step."""
    notes: tuple[str, ...] = ()
    """What else a user should know of its images."""


def plan(engine: Engine, run: Object) -> list[PlannedTask]:
    """The tasks of a run in the order in which they would start. Raises RunError when it would not start."""
    if run["kind"] == "TaskRun":
        name = run["metadata"]["name"]
        return [PlannedTask(name, (), False, "", (), *_resolved(engine, [run]))]
    spec = decode(run, PipelineRun).spec
    raw = resolve_pipeline(engine.store, run, spec, config_of(engine.store).flags).raw
    pipeline = typed_pipeline(raw)
    undecided = {task.name: _undecided(task.when) for task in (*pipeline.tasks, *pipeline.final_tasks)}
    nodes = list(Nodes(_decidable(pipeline), dependencies(pipeline.tasks)))
    raws = {task["name"]: task for task in [*(raw.get("tasks") or []), *(raw.get("finally") or [])]}
    results = _used_results(pipeline)
    found: dict[str, PlannedTask] = {}
    facts = Facts(nodes, name=run["metadata"]["name"], namespace=run["metadata"]["namespace"])
    while True:
        skipping.decide(facts)
        for node in nodes:
            if node.name in facts.reasons and node.name not in found:
                why = _why(node, facts.reasons[node.name])
                found[node.name] = PlannedTask(node.name, tuple(node.needs), node.final, why, (), (), ())
        starting = skipping.ready(facts)
        if not starting:
            return list(found.values())
        children = {}
        for node in starting:
            made = children[node.name] = children_of(run, spec, raws[node.name], node, nodes, _claims(run))
            runs, problems = _resolved(engine, made)
            depends = tuple(map(_condition, undecided[node.name]))
            found[node.name] = PlannedTask(node.name, tuple(node.needs), node.final, "", depends, runs, problems)
        for place, node in enumerate(nodes):
            if node.name in children:
                done = [_succeeded(child, results.get(node.name, [])) for child in children[node.name]]
                nodes[place] = Node(node.task, node.final, node.needs, done)


def _decidable(spec: PipelineSpec) -> PipelineSpec:
    """A Pipeline without the conditions that need results or states of tasks."""

    def known(task: Any) -> Any:
        undecided = _undecided(task.when)
        return msgspec.structs.replace(task, when=[one for one in task.when if one not in undecided])

    return msgspec.structs.replace(
        spec, tasks=list(map(known, spec.tasks)), final_tasks=list(map(known, spec.final_tasks))
    )


def _undecided(when: Sequence[WhenExpression]) -> list[WhenExpression]:
    return [one for one in when if any(r.parts[0] in _OF_TASKS for r in in_value(texts([one])))]


def _condition(one: WhenExpression) -> str:
    return one.cel or f"{one.input} {one.operator} [{', '.join(one.values)}]"


def _why(node: Node, reason: str) -> str:
    if reason == skipping.WHEN:
        false = [one for one in node.task.when if not holds([one])]
        return f"{reason}: {'; '.join(map(_condition, false))}"
    return reason


def _used_results(pipeline: PipelineSpec) -> dict[str, list[dict[str, Any]]]:
    """The results that tasks use, by the task that writes them, each as the reference to it."""
    found: dict[str, dict[str, Any]] = {}
    for ref in (ref for task in (*pipeline.tasks, *pipeline.final_tasks) for ref in result_refs(task)):
        of_task = found.setdefault(ref.task, {})
        text, index = ref.reference.text, ref.reference.index
        if index is None and len(ref.reference.parts) > 4:
            of_task.setdefault(ref.result, {})[ref.reference.parts[4]] = text
        elif index is None and ref.result not in of_task:
            of_task[ref.result] = text
        elif index is not None:
            items = list(of_task[ref.result]) if isinstance(of_task.get(ref.result), list) else []
            wanted = 1 if index == "*" else int(index) + 1
            more = range(len(items), max(len(items), wanted))
            of_task[ref.result] = [*items, *(f"$(tasks.{ref.task}.results.{ref.result}[{at}])" for at in more)]
    return {task: [{"name": key, "value": value} for key, value in one.items()] for task, one in found.items()}


def _succeeded(child: Object, results: list[dict[str, Any]]) -> Object:
    condition = {"type": "Succeeded", "status": "True", "reason": "Succeeded"}
    return {**child, "status": {"conditions": [condition], "results": results, "completionTime": ""}}


def _resolved(engine: Engine, made: Sequence[Object]) -> tuple[tuple[Object, ...], tuple[str, ...]]:
    """TaskRuns with their Tasks substituted, and why some of them would fail before the first step."""
    runs, problems = [], []
    for child in made:
        if child["kind"] != "TaskRun":
            runs.append(child)
            continue
        child = {**child, "metadata": {"uid": "", **child["metadata"]}}
        try:
            task = resolve_task(engine.store, child, find_task(engine.store, child), 0)
        except RunError as e:
            problems.append(f"{e.reason}: {e.message}")
            runs.append(child)
            continue
        rest = {key: one for key, one in child["spec"].items() if key not in ("taskRef", "taskSpec")}
        runs.append({**child, "spec": {**rest, "taskSpec": task.raw}})
    return tuple(runs), tuple(dict.fromkeys(problems))


async def with_images(engine: Engine, tasks: Sequence[PlannedTask]) -> list[PlannedTask]:
    """The tasks with what the runtime says of their images."""
    return [await _with_images(engine, task) for task in tasks]


async def missing_images(engine: Engine, runs: Sequence[Object]) -> list[str]:
    """What the runtime says of the images that it lacks: those of runs with inline Tasks and of Tasks of the files."""
    inline = [spec for run in runs for spec in _inline(run["spec"])]
    stored = [task["spec"] for task in engine.store.objects(built_in("Task"))]
    refs = dict.fromkeys(ref for spec in (*inline, *stored) for ref in _images(spec) if ref and "$(" not in ref)
    notes = [note for ref in refs if (note := await engine.runtime.note(ref))]
    return [note.text for note in notes if note.missing]


def _inline(spec: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The Tasks that are written in a run."""
    yield spec.get("taskSpec") or {}
    pipeline = spec.get("pipelineSpec") or {}
    for task in [*(pipeline.get("tasks") or []), *(pipeline.get("finally") or [])]:
        yield task.get("taskSpec") or {}


async def _with_images(engine: Engine, task: PlannedTask) -> PlannedTask:
    refs = dict.fromkeys(ref for run in task.runs for ref in _images(run["spec"].get("taskSpec") or {}))
    found = [note for ref in refs if (note := await engine.runtime.note(ref))]
    missing = tuple(f"ErrImagePull: {note.text}" for note in found if note.missing)
    others = tuple(note.text for note in found if not note.missing)
    return dataclasses.replace(task, problems=(*task.problems, *missing), notes=others)


def _images(task: Mapping[str, Any]) -> Iterator[str]:
    template = (task.get("stepTemplate") or {}).get("image", "")
    for one in [*(task.get("steps") or []), *(task.get("sidecars") or [])]:
        yield str(one.get("image") or template)


def _claims(run: Object) -> dict[str, str]:
    """A name for each claim that the run would make."""
    bindings = run["spec"].get("workspaces") or []
    return {one["name"]: f"pvc-{one['name']}" for one in bindings if one.get("volumeClaimTemplate")}
