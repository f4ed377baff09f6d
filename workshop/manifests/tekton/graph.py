"""The order of a Pipeline's tasks: who needs whom, by `runAfter` and by results."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from workshop.manifests.tekton.params import Param
from workshop.manifests.tekton.pipeline import PipelineTask
from workshop.manifests.tekton.references import Reference, in_value
from workshop.manifests.tekton.when import texts


class GraphError(ValueError):
    """Tasks that cannot be put in an order; the text is Tekton's own."""


@dataclass(frozen=True)
class ResultRef:
    """One use of a task's result: `$(tasks.<task>.results.<result>)`, maybe of one item or key."""

    task: str
    result: str
    reference: Reference


def result_ref(reference: Reference) -> ResultRef | None:
    """The result that a reference names, or None when it names something else."""
    parts = reference.parts
    if len(parts) >= 4 and parts[0] in ("tasks", "finally") and parts[2] == "results":
        return ResultRef(parts[1], parts[3], reference)
    return None


def result_refs(task: PipelineTask) -> Iterator[ResultRef]:
    """The results that a task's params, matrix and when use, in order."""
    for reference in task_references(task):
        found = result_ref(reference)
        if found:
            yield found


def task_references(task: PipelineTask) -> Iterator[Reference]:
    """All references in the fields that may use results of other tasks."""
    yield from _in_params(task.params)
    yield from in_value(texts(task.when))
    if task.matrix:
        yield from _in_params(task.matrix.params)
        for include in task.matrix.include:
            yield from _in_params(include.params)
    if task.task_ref:
        yield from _in_params(task.task_ref.params)
    for step in task.task_spec.steps if task.task_spec else []:
        # Results are passed on into inline steps (docs/pipelines.md, propagated results).
        yield from in_value([step.image, step.script, step.working_dir, *step.command, *step.args])
        yield from in_value([env.value or "" for env in step.env])


def needs(task: PipelineTask) -> list[str]:
    """The tasks that must be done before this one, sorted: runAfter, results and matrix lengths."""
    names = set(task.run_after)
    for reference in task_references(task):
        parts = reference.parts
        if len(parts) >= 4 and parts[0] == "tasks" and parts[2] in ("results", "matrix"):
            names.add(parts[1])
    return sorted(names)


def dependencies(tasks: Sequence[PipelineTask]) -> dict[str, list[str]]:
    """Each task's needs. Raises GraphError for a name used twice, a cycle or an unknown task."""
    graph: dict[str, list[str]] = {}
    for task in tasks:
        if task.name in graph:
            raise GraphError(
                f"task {task.name} is already present in Graph, can't add it again: duplicate pipeline task"
            )
        graph[task.name] = needs(task)
    _check_cycles(graph)
    for name, needed in graph.items():
        for other in needed:
            if other not in graph:
                raise GraphError(
                    f"couldn't add link between {name} and {other}: task {name} depends on {other} "
                    f"but {other} wasn't present in Pipeline"
                )
    return graph


def _check_cycles(graph: Mapping[str, list[str]]) -> None:
    left = {name: set(needed) for name, needed in graph.items() if needed}
    free = {other for needed in left.values() for other in needed if other not in left}
    while free:
        for needed in left.values():
            needed -= free
        free = {name for name, needed in left.items() if not needed}
        for name in free:
            del left[name]
    if left:
        first = min(left)
        names = ", ".join(f'"{name}"' for name in sorted(left[first]))
        raise GraphError(f'cycle detected; task "{first}" depends on {names}')


def _in_params(params: Sequence[Param]) -> Iterator[Reference]:
    for param in params:
        yield from in_value(param.value)
