"""Makes the TaskRuns, CustomRuns and PipelineRuns of a PipelineRun."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from workshop.lab.admission.tekton.defaults import default_custom_run, default_pipeline_run, default_task_run
from workshop.lab.controllers.owners import owner_reference
from workshop.lab.controllers.tekton.claims import with_claims
from workshop.lab.controllers.tekton.lookups import TaskLookup
from workshop.lab.controllers.tekton.matrix import combinations
from workshop.lab.controllers.tekton.names import RELEASE, child_name, passed_on
from workshop.lab.controllers.tekton.nodes import Node
from workshop.lab.controllers.tekton.params import Values
from workshop.lab.controllers.tekton.skipping import resolved_matrix
from workshop.lab.controllers.tekton.substitution import replaced_parts, workspaces_used
from workshop.lab.controllers.tekton.taskrun import ON_ERROR
from workshop.manifests.objects import Object
from workshop.manifests.tekton import (
    Param,
    PipelineRunSpec,
    PipelineTask,
    PipelineTaskRunSpec,
    format_duration,
    parse_duration,
)
from workshop.manifests.tekton.config import SHIPPED, Defaults
from workshop.manifests.tekton.podtemplates import merged_pod_templates
from workshop.manifests.tekton.references import Lookup, Variables, replaced, replaced_tree, replaced_value


def is_custom(task: PipelineTask) -> bool:
    """Whether a task is run as a CustomRun: with an apiVersion also Tekton's own kind Task.

    Source: IsCustomTask, https://github.com/tektoncd/pipeline/issues/6457.
    """
    return any(one and one.api_version and one.kind for one in (task.task_ref, task.task_spec))


def children_of(
    run: Object,
    spec: PipelineRunSpec,
    raw_task: Object,
    node: Node,
    nodes: Sequence[Node],
    claims: dict[str, str],
    config: Defaults = SHIPPED.defaults,
) -> list[Object]:
    """The objects to create for a node: one, or one for each combination of its matrix."""
    lookup = TaskLookup(nodes, with_states=node.final)
    # The controller replaces results inside an inline Task, but not the tasks' states.
    raw_task = _with_results(raw_task, TaskLookup(nodes))
    task = node.task
    params = [Param(name=p.name, value=replaced_value(p.value, lookup)) for p in task.params]
    if task.matrix is None:
        return [_child(run, spec, raw_task, node, params, f"-{task.name}", lookup, claims, config)]
    found = []
    for index, combination in enumerate(combinations(resolved_matrix(task.matrix, lookup))):
        suffix = f"-{task.name}-{index}"
        found.append(_child(run, spec, raw_task, node, [*combination, *params], suffix, lookup, claims, config))
    return found


def _child(
    run: Object, spec: PipelineRunSpec, raw_task: Object, node: Node, params: Sequence[Param], suffix: str,
    lookup: Lookup, claims: dict[str, str], config: Defaults,
) -> Object:  # fmt: skip
    task, meta = node.task, run["metadata"]
    override = next((o for o in spec.task_run_specs if o.pipeline_task_name == task.name), PipelineTaskRunSpec())
    body: Object = {
        "metadata": {
            "name": child_name(meta["name"], suffix),
            "namespace": meta["namespace"],
            "labels": _labels(run, node, override),
            "annotations": _annotations(run, node, override),
            "ownerReferences": [owner_reference(run)],
        },
        "spec": {"serviceAccountName": _account(spec, override)},
    }
    child: dict[str, Any] = body["spec"]
    if params:
        child["params"] = [{"name": p.name, "value": p.value} for p in params]
    workspaces = _workspaces(run, spec, raw_task, task, lookup, claims)
    if workspaces:
        child["workspaces"] = workspaces
    if task.is_pipeline:
        return _pipeline_run(run, body, raw_task, lookup, config)
    if not is_custom(task):
        child |= _pod_of(run, task.name)
    timeout = override.timeout or task.timeout or _timeout(spec, config, final=node.final)
    if timeout:
        child["timeout"] = timeout
    if task.retries:
        child["retries"] = task.retries
    if is_custom(task):
        _custom(child, raw_task, lookup)
        default_custom_run(body, config)
        return {"apiVersion": "tekton.dev/v1beta1", "kind": "CustomRun", **body}
    if task.task_spec is not None:
        embedded = {
            k: v for k, v in raw_task["taskSpec"].items() if k not in ("metadata", "spec", "apiVersion", "kind")
        }
        child["taskSpec"] = embedded
    else:
        child["taskRef"] = _task_ref(raw_task["taskRef"], lookup)
    default_task_run(body, config)
    return {"apiVersion": "tekton.dev/v1", "kind": "TaskRun", **body}


def _timeout(spec: PipelineRunSpec, config: Defaults, *, final: bool) -> str:
    """The run's limit for its tasks or final tasks, if it is longer than a TaskRun has by default; else empty.

    Source: pipelineRunTimeout in pkg/reconciler/pipelinerun/pipelinerun.go, since Tekton 1.11.
    """
    given = spec.timeouts
    if given is None:
        return ""
    own, other = (given.final, given.tasks) if final else (given.tasks, given.final)
    if own is not None:
        seconds = parse_duration(own)
    elif given.pipeline is None or other is None or 0 in (parse_duration(given.pipeline), parse_duration(other)):
        return ""
    else:
        seconds = parse_duration(given.pipeline) - parse_duration(other)
    return format_duration(seconds) if seconds == 0 or seconds > config.timeout_seconds else ""


def _pipeline_run(run: Object, body: Object, raw_task: Object, lookup: Lookup, config: Defaults) -> Object:
    """The PipelineRun of a task that runs a Pipeline; timeouts and retries are not its own.

    Source: createChildPipelineRun in pkg/reconciler/pipelinerun/pipelinerun.go.
    """
    child: dict[str, Any] = {key: body["spec"][key] for key in ("params", "workspaces") if key in body["spec"]}
    child["taskRunTemplate"] = run["spec"].get("taskRunTemplate") or {}
    if raw_task.get("pipelineRef"):
        child["pipelineRef"] = ref = _task_ref(raw_task["pipelineRef"], lookup)
        if ref.get("name"):
            body["metadata"]["labels"]["tekton.dev/pipeline"] = ref["name"]
    else:
        child["pipelineSpec"] = raw_task["pipelineSpec"]
    made = {"apiVersion": "tekton.dev/v1", "kind": "PipelineRun", "metadata": body["metadata"], "spec": child}
    default_pipeline_run(made, config)
    return made


def _with_results(raw_task: Object, results: TaskLookup) -> Object:
    embedded = raw_task.get("taskSpec")
    if not embedded or embedded.get("apiVersion"):
        return raw_task
    return {**raw_task, "taskSpec": replaced_parts(embedded, results.artifact)}


def _custom(child: dict[str, Any], raw_task: Object, lookup: Lookup) -> None:
    if raw_task.get("taskRef"):
        child["customRef"] = _task_ref(raw_task["taskRef"], lookup)
    else:
        embedded = raw_task["taskSpec"]
        child["customSpec"] = {k: embedded[k] for k in ("apiVersion", "kind", "metadata", "spec") if embedded.get(k)}


def _task_ref(ref: Object, lookup: Lookup) -> Object:
    params = [{**p, "value": replaced_value(p["value"], lookup)} for p in ref.get("params") or []]
    return {**ref, "params": params} if params else ref


def _account(spec: PipelineRunSpec, override: PipelineTaskRunSpec) -> str:
    template = spec.task_run_template
    return override.service_account_name or (template.service_account_name if template else "")


def _pod_of(run: Object, task: str) -> dict[str, Any]:
    """What the run says of the task's Pod: the podTemplate of both, and the resources of `taskRunSpecs`."""
    given = run["spec"].get("taskRunSpecs") or []
    own: dict[str, Any] = next((one for one in given if one.get("pipelineTaskName") == task), {})
    of_run = (run["spec"].get("taskRunTemplate") or {}).get("podTemplate")
    found = {field: own[field] for field in ("computeResources", "stepSpecs", "sidecarSpecs") if own.get(field)}
    template = merged_pod_templates(of_run, own.get("podTemplate"))
    return {**found, "podTemplate": template} if template else found


def _labels(run: Object, node: Node, override: PipelineTaskRunSpec) -> dict[str, str]:
    meta = run["metadata"]
    embedded = node.task.task_spec.metadata if node.task.task_spec else None
    labels = {
        **((embedded.labels if embedded else None) or {}),
        **passed_on(meta.get("labels")),
        **((override.metadata.labels if override.metadata else None) or {}),
        "tekton.dev/memberOf": "finally" if node.final else "tasks",
        "tekton.dev/pipelineRun": meta["name"],
        "tekton.dev/pipelineRunUID": meta["uid"],
        "tekton.dev/pipelineTask": node.name,
    }
    ref = node.task.task_ref
    if ref and ref.name and not is_custom(node.task):
        labels["tekton.dev/task"] = ref.name
    return labels


def _annotations(run: Object, node: Node, override: PipelineTaskRunSpec) -> dict[str, str]:
    embedded = node.task.task_spec.metadata if node.task.task_spec else None
    annotations = {
        **((embedded.annotations if embedded else None) or {}),
        **passed_on(run["metadata"].get("annotations")),
        **((override.metadata.annotations if override.metadata else None) or {}),
        **RELEASE,
    }
    if node.task.on_error == "continue":
        annotations[ON_ERROR] = "continue"
    return annotations


def _workspaces(
    run: Object,
    spec: PipelineRunSpec,
    raw_task: Object,
    task: PipelineTask,
    lookup: Lookup,
    claims: dict[str, str],
) -> list[dict[str, Any]]:
    """The run's workspace bindings, under the names of the task."""
    given: Values = {("params", param.name): param.value for param in spec.params}
    raw = [
        {**replaced_tree(one, Variables(given)), "name": one["name"]}
        for one in with_claims(run["spec"].get("workspaces") or [], claims)
    ]
    by_name = {binding["name"]: binding for binding in raw}
    found = []
    for one in task.workspaces:
        binding = by_name.get(one.workspace or one.name)
        if binding is None:
            continue
        bound = {**binding, "name": one.name}
        path = "/".join(part for part in (binding.get("subPath", ""), replaced(one.sub_path, lookup)) if part)
        if path:
            bound["subPath"] = path
        found.append(bound)
    if task.task_spec is not None:
        # An inline task may use the run's workspaces without naming them.
        named = {one.name for one in task.workspaces}
        used = workspaces_used(raw_task["taskSpec"])
        found += [by_name[name] for name in sorted(used - named) if name in by_name]
    return found
