"""What a run would do: its tasks in order, their params, and which are skipped and why. Nothing runs.

The controllers' own functions decide. Each task that would start counts as one that succeeded; a reference to its
result takes the place of the result. A `when` that needs a result cannot be decided before the run, and is shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from workshop.lab.admission.tekton.config import config_of
from workshop.lab.admission.tekton.decode import decode
from workshop.lab.controllers.tekton import skipping
from workshop.lab.controllers.tekton.children import children_of
from workshop.lab.controllers.tekton.errors import RunError
from workshop.lab.controllers.tekton.nodes import Node, build
from workshop.lab.controllers.tekton.resolve_pipeline import resolve_pipeline, typed_pipeline
from workshop.lab.controllers.tekton.resolve_task import find_task, resolve_task
from workshop.lab.controllers.tekton.skipping import Facts
from workshop.lab.runtimes.base import PodError
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


def plan(engine: Engine, run: Object) -> list[PlannedTask]:
    """The tasks of a run in the order in which they would start. Raises RunError when it would not start."""
    if run["kind"] == "TaskRun":
        name = run["metadata"]["name"]
        return [PlannedTask(name, (), False, "", (), *_resolved(engine, [run]))]
    spec = decode(run, PipelineRun).spec
    raw = resolve_pipeline(engine.store, run, spec, config_of(engine.store).flags).raw
    pipeline = typed_pipeline(raw)
    undecided = {task.name: _undecided(task.when) for task in (*pipeline.tasks, *pipeline.final_tasks)}
    nodes = build(_decidable(pipeline), dependencies(pipeline.tasks), [])
    raws = {task["name"]: task for task in [*(raw.get("tasks") or []), *(raw.get("finally") or [])]}
    found: list[PlannedTask] = []
    facts = Facts(nodes, name=run["metadata"]["name"], namespace=run["metadata"]["namespace"])
    while True:
        skipping.decide(facts)
        for node in nodes:
            if node.name in facts.reasons and all(one.name != node.name for one in found):
                why = _why(node, facts.reasons[node.name], pipeline)
                found.append(PlannedTask(node.name, tuple(node.needs), node.final, why, (), (), ()))
        starting = skipping.ready(facts)
        if not starting:
            return found
        children = {}
        for node in starting:
            made = children_of(run, spec, raws[node.name], node, nodes, _claims(run))
            children[node.name] = made
            runs, problems = _resolved(engine, made)
            depends = tuple(map(_condition, undecided[node.name]))
            found.append(PlannedTask(node.name, tuple(node.needs), node.final, "", depends, runs, problems))
        nodes = [_after(node, children.get(node.name), pipeline, nodes) for node in nodes]
        facts = Facts(nodes, name=facts.name, namespace=facts.namespace)


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


def _why(node: Node, reason: str, pipeline: PipelineSpec) -> str:
    if reason == skipping.WHEN:
        false = [one for one in node.task.when if not holds([one])]
        return f"{reason}: {'; '.join(map(_condition, false))}"
    return reason


def _after(node: Node, made: Sequence[Object] | None, pipeline: PipelineSpec, nodes: Sequence[Node]) -> Node:
    """A node whose runs have succeeded, with a reference for each result."""
    children = node.children
    if made is not None:
        children = [_succeeded(child, _results(node.name, pipeline)) for child in made]
    return Node(node.task, node.final, node.needs, children)


def _results(name: str, pipeline: PipelineSpec) -> list[dict[str, Any]]:
    """The results of a task that others use, each as the reference to it."""
    found: dict[str, Any] = {}
    tasks = (*pipeline.tasks, *pipeline.final_tasks)
    refs = [ref for task in tasks for ref in result_refs(task) if ref.task == name]
    for ref in refs:
        text, index = ref.reference.text, ref.reference.index
        if index is None and len(ref.reference.parts) > 4:
            found.setdefault(ref.result, {})[ref.reference.parts[4]] = text
        elif index is None and ref.result not in found:
            found[ref.result] = text
        elif index is not None:
            items = list(found[ref.result]) if isinstance(found.get(ref.result), list) else []
            wanted = 1 if index == "*" else int(index) + 1
            more = range(len(items), max(len(items), wanted))
            found[ref.result] = [*items, *(f"$(tasks.{name}.results.{ref.result}[{at}])" for at in more)]
    return [{"name": key, "value": value} for key, value in found.items()]


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
        problems += _images(engine, task.raw)
        rest = {key: one for key, one in child["spec"].items() if key not in ("taskRef", "taskSpec")}
        runs.append({**child, "spec": {**rest, "taskSpec": task.raw}})
    return tuple(runs), tuple(dict.fromkeys(problems))


def _images(engine: Engine, task: Mapping[str, Any]) -> Iterator[str]:
    template = (task.get("stepTemplate") or {}).get("image", "")
    for one in [*(task.get("steps") or []), *(task.get("sidecars") or [])]:
        try:
            engine.runtime.image(one.get("image") or template)
        except PodError as e:
            yield f"{e.reason}: {e.message}"


def _claims(run: Object) -> dict[str, str]:
    """A name for each claim that the run would make."""
    bindings = run["spec"].get("workspaces") or []
    return {one["name"]: f"pvc-{one['name']}" for one in bindings if one.get("volumeClaimTemplate")}
