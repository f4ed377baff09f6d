"""Resolves a TaskRun before its Pod: finds its Task, checks params and workspaces, replaces references.

The order is the controller's: reference, params, StepActions, workspaces, substitution. An invalid part raises
RunError, whose reason and message become the TaskRun's condition.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from workshop.lab.admission.tekton.decode import decode
from workshop.lab.admission.tekton.defaults import default_task
from workshop.lab.api_errors import BadRequest
from workshop.lab.controllers.tekton import params, stepactions, substitution, workspaces
from workshop.lab.controllers.tekton.errors import RunError
from workshop.lab.controllers.tekton.resolvers import find
from workshop.lab.store import Store
from workshop.manifests.objects import Object, labels_of, status_of
from workshop.manifests.tekton import (
    Task,
    TaskRun,
    TaskRunSpec,
    TaskSpec,
    WorkspaceBinding,
    WorkspaceDeclaration,
)
from workshop.manifests.tekton.references import Variables, replaced

_INVALID = "TaskRunValidationFailed"


@dataclass(frozen=True)
class ResolvedTask:
    """The resolved Task of a TaskRun."""

    raw: Object
    """The substituted Task, as the status shows it."""
    spec: TaskSpec
    bound: workspaces.Bound
    labels: dict[str, str] = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=dict)


def resolve_task(store: Store, run: Object, attempt: int) -> ResolvedTask:
    """Resolve, check and substitute the Task of a run, before its Pod exists. Raises RunError."""
    spec = decode(run, TaskRun).spec
    name, raw, labels, annotations = _task(store, run, spec)
    inline = spec.task_spec is not None
    task = _typed(raw)
    if inline:
        raw, task = _with_passed_on_workspaces(raw, task, spec.workspaces)
    context = substitution.task_context(run, name, attempt)
    try:
        values = params.values(task.params, spec.params, context, pass_on=inline)
        params.check_indexes([raw.get("steps"), raw.get("volumes"), raw.get("workspaces")], values)
    except params.ParamProblem as e:
        raise RunError(_INVALID, f"invalid input params for task {name}: {_explained(e)}") from e
    raw = stepactions.resolved(store, run["metadata"]["namespace"], raw, {**values, **context})
    task = _typed(raw)
    of_run = bool(labels_of(run).get("tekton.dev/pipelineRun"))
    workspaces.check_bound(name, task, spec.workspaces, one_claim=of_run)
    by_name = {binding.name: binding for binding in spec.workspaces}
    values = {
        **values,
        **context,
        **substitution.paths(task),
        **substitution.workspace_values(_located(task.workspaces, values), by_name),
    }
    raw = substitution.substituted(raw, values)
    task = _typed(raw)
    return ResolvedTask(raw, task, workspaces.bind(task, spec.workspaces), labels, annotations)


def task_of(run: Object) -> TaskSpec:
    """The substituted Task of a TaskRun that has started, from its status."""
    return _typed(status_of(run).get("taskSpec") or {})


def _task(store: Store, run: Object, spec: TaskRunSpec) -> tuple[str, Object, dict[str, str], dict[str, str]]:
    meta = run["metadata"]
    if spec.task_spec is not None:
        return meta["name"], run["spec"]["taskSpec"], {}, {}
    ref = spec.task_ref
    if ref is None:
        raise RunError(_INVALID, "expected exactly one, got neither: spec.taskRef, spec.taskSpec")
    found = find(store, "Task", meta["namespace"], ref.name, ref.resolver, ref.params, reason="TaskRunResolutionFailed")
    raw: Object = msgspec.json.decode(msgspec.json.encode(found.spec))
    default_task(raw)
    return found.name, raw, {**found.labels, "tekton.dev/task": found.name}, found.annotations


def _typed(raw: Object) -> TaskSpec:
    try:
        return decode({"spec": raw}, Task).spec
    except BadRequest as e:
        raise RunError("TaskValidationFailed", e.message) from e


def _with_passed_on_workspaces(
    raw: Object, task: TaskSpec, bindings: list[WorkspaceBinding]
) -> tuple[Object, TaskSpec]:
    """An inline Task may use the run's workspaces without declaring them (docs/taskruns.md, propagated)."""
    declared = {workspace.name for workspace in task.workspaces}
    used = substitution.workspaces_used(raw)
    more = [b.name for b in bindings if b.name in used and b.name not in declared]
    if not more:
        return raw, task
    raw = {**raw, "workspaces": [*(raw.get("workspaces") or []), *({"name": name} for name in more)]}
    return raw, _typed(raw)


def _located(declared: list[WorkspaceDeclaration], values: params.Values) -> list[WorkspaceDeclaration]:
    """Workspaces whose mountPath may hold params."""
    lookup = Variables(values)
    return [
        msgspec.structs.replace(one, mount_path=replaced(one.mount_path, lookup)) if one.mount_path else one
        for one in declared
    ]


def _explained(problem: params.ParamProblem) -> str:
    return {
        "missing": "missing values for these params which have no default values: ",
        "type": "param types don't match the user-specified type: ",
        "keys": "missing keys for these params which are required in ParamSpec's properties ",
        "index": "non-existent param references:",
    }[problem.kind] + problem.names
