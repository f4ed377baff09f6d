"""Resolves a TaskRun before its Pod: finds its Task, checks params and workspaces, replaces references.

The order is the controller's: reference, params, StepActions, workspaces, substitution. An invalid part raises
RunError, whose reason and message become the TaskRun's condition.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field

import msgspec

from workshop.lab.admission.tekton.decode import decode
from workshop.lab.admission.tekton.defaults import default_task
from workshop.lab.api_errors import BadRequest
from workshop.lab.controllers.tekton import params, stepactions, substitution, workspaces
from workshop.lab.controllers.tekton.errors import RunError, user_error
from workshop.lab.controllers.tekton.resolvers import Found, find
from workshop.lab.store import Store
from workshop.manifests.objects import Object, labels_of, status_of
from workshop.manifests.tekton import (
    Param,
    Task,
    TaskRun,
    TaskRunSpec,
    TaskSpec,
    WorkspaceBinding,
    WorkspaceDeclaration,
)
from workshop.manifests.tekton.config import SHIPPED, Config
from workshop.manifests.tekton.references import Variables, replaced, replaced_tree, replaced_value

_INVALID = "TaskRunValidationFailed"
MISMATCHES = {
    "missing": "missing values for these params which have no default values: ",
    "type": "param types don't match the user-specified type: ",
    "keys": "missing keys for these params which are required in ParamSpec's properties ",
}
"""How params do not match a Task, by the kind of the problem. Source: validate_taskrun.go."""


@dataclass(frozen=True)
class ResolvedTask:
    """The resolved Task of a TaskRun."""

    raw: Object
    """The substituted Task, as the status shows it."""
    spec: TaskSpec
    bound: workspaces.Bound
    labels: dict[str, str] = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=dict)


def find_task(store: Store, run: Object) -> Found:
    """The Task that a run names or contains, with its defaults. Raises RunError, Waiting."""
    return _task(store, run, decode(run, TaskRun).spec)


def resolve_task(store: Store, run: Object, found: Found, attempt: int, config: Config = SHIPPED) -> ResolvedTask:
    """Check and substitute the Task of a run, before its Pod exists. Raises RunError, Waiting."""
    spec = decode(run, TaskRun).spec
    name, raw, labels, annotations = found.name, found.spec, found.labels, found.annotations
    inline = spec.task_spec is not None
    task = typed_task(raw)
    if inline:
        raw, task = _with_passed_on_workspaces(raw, task, spec.workspaces)
    context = substitution.task_context(run, name, attempt)
    try:
        values = params.values(task.params, spec.params, context, pass_on=inline)
        if config.flags.param_enum:
            params.check_enums(task.params, spec.params)
        params.check_indexes([raw.get("steps"), raw.get("volumes"), raw.get("workspaces")], values)
    except params.ParamProblem as e:
        raise user_error("InvalidParamValue" if e.kind == "enum" else _INVALID, _explained(e, name)) from e
    raw = stepactions.resolved(store, run, raw, {**values, **context})
    task = typed_task(raw)
    of_run = bool(labels_of(run).get("tekton.dev/pipelineRun"))
    given = workspaces.with_default(task, spec.workspaces, config.defaults.workspace_binding)
    one_claim = of_run and config.flags.coschedule == "workspaces"
    workspaces.check_bound(task, given, inline=inline, one_claim=one_claim)
    bindings = [_replaced_binding(one, values) for one in given]
    volumes = workspaces.volume_names(task, bindings)
    by_name = {binding.name: binding for binding in bindings}
    others = {
        **context,
        **substitution.paths(task),
        **substitution.workspace_values(_located(task.workspaces, values), by_name, volumes),
    }
    raw = substitution.substituted(raw, values, others)
    task = typed_task(raw)
    return ResolvedTask(raw, task, workspaces.bind(task, bindings), labels, annotations)


def task_of(run: Object) -> TaskSpec:
    """The substituted Task of a TaskRun that has started, from its status."""
    return typed_task(status_of(run).get("taskSpec") or {})


def _task(store: Store, run: Object, spec: TaskRunSpec) -> Found:
    if spec.task_spec is not None:
        return Found(run["metadata"]["name"], run["spec"]["taskSpec"], {}, {})
    ref = spec.task_ref
    if ref is None:
        raise RunError(_INVALID, "expected exactly one, got neither: spec.taskRef, spec.taskSpec")
    # The params of a resolver may use those of the run and its context.
    known: params.Values = {("params", param.name): param.value for param in spec.params}
    lookup = Variables({**known, **substitution.task_context(run, "", 0)})
    asked = [Param(name=one.name, value=replaced_value(one.value, lookup)) for one in ref.params]
    try:
        found = find(store, "Task", run, ref.name, ref.resolver, asked, reason="TaskRunResolutionFailed")
    except RunError as e:
        if ref.resolver:
            raise
        raise RunError(e.reason, f"error when listing tasks for taskRun {run['metadata']['name']}: {e.message}") from e
    raw: Object = msgspec.json.decode(msgspec.json.encode(found.spec))
    default_task(raw)
    return dataclasses.replace(found, spec=raw, labels={**found.labels, "tekton.dev/task": found.name})


def typed_task(raw: Object) -> TaskSpec:
    """A Task's spec as its type. Raises RunError."""
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
    return raw, typed_task(raw)


def _replaced_binding(binding: WorkspaceBinding, values: params.Values) -> WorkspaceBinding:
    """A run's workspace, whose claim, ConfigMap, Secret or subPath may be a param."""
    raw: Object = msgspec.to_builtins(binding)
    return msgspec.convert({**replaced_tree(raw, Variables(values)), "name": binding.name}, WorkspaceBinding)


def _located(declared: list[WorkspaceDeclaration], values: params.Values) -> list[WorkspaceDeclaration]:
    """Workspaces whose mountPath may hold params."""
    lookup = Variables(values)
    return [
        msgspec.structs.replace(one, mount_path=replaced(one.mount_path, lookup)) if one.mount_path else one
        for one in declared
    ]


def _explained(problem: params.ParamProblem, task: str) -> str:
    if problem.kind == "enum":
        return problem.names
    if problem.kind == "index":
        return f"non-existent param references:{problem.names}"
    return f"invalid input params for task {task}: {MISMATCHES[problem.kind]}{problem.names}"
