"""The rules for Pipelines, also across the Tasks of the same set of files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache

from workshop.lab import openshift_tasks
from workshop.lab.admission.tekton.defaults import default_task
from workshop.lab.admission.tekton.pipeline import numbered
from workshop.lab.controllers.tekton.resolve_task import typed_task
from workshop.lab.controllers.tekton.task_checks import unknown_result
from workshop.lint.findings import Finds, Found
from workshop.lint.tasks import check_task
from workshop.lint.texts import param_of, used
from workshop.manifests.places import Path, parts
from workshop.manifests.tekton import Param, ParamSpec, PipelineSpec, PipelineTask, TaskSpec, WorkspaceDeclaration
from workshop.manifests.tekton.graph import result_ref
from workshop.manifests.tekton.pipeline import PipelineWorkspace

Tasks = Mapping[str, Sequence[TaskSpec]]
"""The Tasks of all files by name. Overlays may have several of one name."""


def check_pipeline(
    spec: PipelineSpec, path: Path, tasks: Tasks, *, params: Iterable[str] = (), passed_on: bool = False
) -> Finds:
    """A Pipeline's spec at a path. With `passed_on`, it is inline in a run, whose `params` and workspaces reach it."""
    around = {param.name for param in spec.params} | set(params)
    yield from _declared(spec, path)
    resolved = {task.name: _known(task, tasks) for _, task in numbered("", spec)}
    for name, task in numbered("", spec):
        where = (*path, *parts(name))
        if task.task_spec is not None and not task.task_spec.api_version:
            given = {param.name for param in _given(task)}
            own = task.task_spec.task()
            yield from check_task(own, (*where, "taskSpec"), params=around | given, passed_on=passed_on)
            for param in own.params:
                if param.name not in around | given and param.default is None:
                    message = f"The Task of {task.name} requires the param {param.name}."
                    yield Found("missing-param", (*where, "name"), message)
        else:
            yield from _against(task, where, resolved[task.name])
        yield from _beta(task, where)
    yield from _result_references(spec, path, resolved)


def _declared(spec: PipelineSpec, path: Path) -> Finds:
    references = [reference for _, reference in used([spec.tasks, spec.final_tasks, spec.results, spec.params])]
    names = {param_of(reference) for reference in references}
    for index, param in enumerate(spec.params):
        if param.name not in names:
            where = (*path, "params", index)
            yield Found("unused-param", where, f"No task of the Pipeline uses the param {param.name}.")
    bound = {one.workspace or one.name for _, task in numbered("", spec) for one in task.workspaces}
    bound |= {reference.parts[1] for reference in references if reference.parts[0] == "workspaces"}
    for index, workspace in enumerate(spec.workspaces):
        if workspace.name not in bound:
            where = (*path, "workspaces", index)
            yield Found("unused-workspace", where, f"No task of the Pipeline uses the workspace {workspace.name}.")


def _given(task: PipelineTask) -> list[Param]:
    matrix = task.matrix
    of_matrix = [*matrix.params, *(p for one in matrix.include for p in one.params)] if matrix else []
    return [*task.params, *of_matrix]


def _known(task: PipelineTask, tasks: Tasks) -> list[TaskSpec]:
    """The Tasks that a task may run; empty when the files do not have it."""
    if task.task_spec is not None:
        return [] if task.task_spec.api_version else [task.task_spec.task()]
    ref = task.task_ref
    if ref is None or ref.api_version not in ("", "tekton.dev/v1", "tekton.dev/v1beta1"):
        return []
    if ref.resolver == "cluster":
        given = {param.name: param.value for param in ref.params}
        if given.get("namespace") == openshift_tasks.NAMESPACE:
            return _of_openshift().get(str(given.get("name")), [])
        return list(tasks.get(str(given.get("name")), ()))
    return list(tasks.get(ref.name, ())) if not ref.resolver else []


@cache
def _of_openshift() -> dict[str, list[TaskSpec]]:
    """The Tasks that OpenShift Pipelines installs."""
    found = {}
    for task in openshift_tasks.tasks():
        default_task(task["spec"])
        found[str(task["metadata"]["name"])] = [typed_task(task["spec"])]
    return found


def _against(task: PipelineTask, path: Path, specs: Sequence[TaskSpec]) -> Finds:
    """A task against the Task that it runs."""
    given = {param.name: (*path, "params", index) for index, param in enumerate(task.params)}
    given |= {param.name: (*path, "matrix") for param in _given(task) if param.name not in given}
    bound = {one.name: (*path, "workspaces", index) for index, one in enumerate(task.workspaces)}
    of = f"the Task of {task.name}"
    yield from common(
        [list(mismatches(spec.params, spec.workspaces, given, bound, (*path, "name"), of)) for spec in specs]
    )


def mismatches(
    params: Sequence[ParamSpec],
    workspaces: Sequence[WorkspaceDeclaration | PipelineWorkspace],
    given: Mapping[str, Path],
    bound: Mapping[str, Path],
    path: Path,
    of: str,
) -> Finds:
    """What a caller at `path` gives, name by name with its place, against what a Task or a Pipeline declares."""
    declared = {param.name: param for param in params}
    for name, param in declared.items():
        if name not in given and param.default is None:
            yield Found("missing-param", path, f"{of[0].upper()}{of[1:]} requires the param {name}.")
    for name, where in given.items():
        if name not in declared:
            yield Found("unknown-param", where, f"{of[0].upper()}{of[1:]} declares no param {name}.")
    known = {workspace.name: workspace for workspace in workspaces}
    for name, workspace in known.items():
        if name not in bound and not workspace.optional:
            yield Found("missing-workspace", path, f"{of[0].upper()}{of[1:]} requires the workspace {name}.")
    for name, where in bound.items():
        if name not in known:
            yield Found("unknown-workspace", where, f"{of[0].upper()}{of[1:]} declares no workspace {name}.")


def common(found: Sequence[Sequence[Found]]) -> Iterator[Found]:
    """The findings that there are with every candidate."""
    if found:
        yield from (one for one in found[0] if all(one in other for other in found[1:]))


def _result_references(spec: PipelineSpec, path: Path, resolved: Mapping[str, Sequence[TaskSpec]]) -> Finds:
    for field, value in (("tasks", spec.tasks), ("finally", spec.final_tasks), ("results", spec.results)):
        for where, reference in used(value, (*path, field)):
            ref = result_ref(reference)
            specs = resolved.get(ref.task, ()) if ref else ()
            problems = [unknown_result(ref, {ref.task: one}) for one in specs] if ref else []
            if ref and problems and all(problems):
                message = f"The task {ref.task} declares no result {ref.result}."
                yield Found("undefined-result", where, message, reference.text)


def _beta(task: PipelineTask, path: Path) -> Finds:
    if task.matrix is not None:
        yield Found("beta-field", (*path, "matrix"), "A matrix is a beta feature.")
    if task.task_ref is not None and task.task_ref.resolver:
        yield Found("beta-field", (*path, "taskRef", "resolver"), "Remote resolution is a beta feature.")
