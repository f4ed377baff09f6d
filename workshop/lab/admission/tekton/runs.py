"""The rules for TaskRuns, PipelineRuns and CustomRuns.

Sources: taskrun_validation.go, pipelinerun_validation.go and workspace_validation.go of pkg/apis/pipeline/v1
at v1.12.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from workshop.lab.admission.tekton.findings import Findings, at
from workshop.lab.admission.tekton.pipeline import check_pipeline, check_task_params
from workshop.lab.admission.tekton.task import check_duration, check_quantities, check_reference, check_task
from workshop.lab.admission.tekton.variables import check_arrays, check_declared, check_values, combined
from workshop.manifests.objects import Object, is_done
from workshop.manifests.tekton import (
    CustomRunSpec,
    PipelineRunSpec,
    PipelineTaskRunSpec,
    PodTemplate,
    TaskRunSpec,
    WorkspaceBinding,
    format_duration,
)
from workshop.manifests.tekton.graph import result_ref
from workshop.manifests.tekton.references import in_value

_SOURCES = ("persistentvolumeclaim", "volumeclaimtemplate", "emptydir", "configmap", "secret")
_TASK_STATUSES = ("TaskRunCancelled", "TaskRunPending")
_PIPELINE_STATUSES = ("Cancelled", "CancelledRunFinally", "StoppedRunFinally", "PipelineRunPending")


def check_task_run(found: Findings, path: str, spec: TaskRunSpec) -> None:
    """A TaskRun's spec."""
    if not spec.task_ref and not spec.task_spec:
        found.neither(at(path, "taskRef"), at(path, "taskSpec"))
    if spec.task_ref and spec.task_spec:
        found.both(at(path, "taskRef"), at(path, "taskSpec"))
    if spec.task_ref:
        ref = spec.task_ref
        check_reference(found, at(path, "taskRef"), ref.name, ref.resolver, ref.params)
    if spec.task_spec:
        if found.flags.disallows_inline("taskrun"):
            found.disallowed(at(path, "taskSpec"))
        check_task(found, at(path, "taskSpec"), spec.task_spec)
        seen = combined(spec.params, spec.task_spec.params)
        # The webhook names these without `taskSpec` in between.
        check_declared(found, path, spec.task_spec.steps, seen)
        check_arrays(found, path, spec.task_spec.steps, seen)
    check_values(found, path, spec.params)
    _check_bindings(found, path, spec.workspaces)
    if spec.debug:
        found.needs("debug", "alpha")
    _check_resources(found, path, spec)
    _check_env(found, path, spec.pod_template)
    if spec.status and spec.status not in _TASK_STATUSES:
        found.invalid(f"{spec.status} should be {' or '.join(_TASK_STATUSES)}", at(path, "status"))
    if not spec.status and spec.status_message:
        found.invalid(
            f"statusMessage should not be set if status is not set, but it is currently set to {spec.status_message}",
            at(path, "statusMessage"),
        )
    if spec.retries < 0:
        found.invalid(f"{spec.retries} should be >= 0", at(path, "retries"))
    check_duration(found, at(path, "timeout"), spec.timeout)


def check_pipeline_run(found: Findings, path: str, spec: PipelineRunSpec) -> None:
    """A PipelineRun's spec."""
    if not spec.pipeline_ref and not spec.pipeline_spec:
        found.neither(at(path, "pipelineRef"), at(path, "pipelineSpec"))
    if spec.pipeline_ref and spec.pipeline_spec:
        found.both(at(path, "pipelineRef"), at(path, "pipelineSpec"))
    if spec.pipeline_ref:
        ref = spec.pipeline_ref
        check_reference(found, at(path, "pipelineRef"), ref.name, ref.resolver, ref.params)
    if spec.pipeline_spec:
        if found.flags.disallows_inline("pipelinerun"):
            found.disallowed(at(path, "pipelineSpec"))
        check_pipeline(found, at(path, "pipelineSpec"), spec.pipeline_spec)
        _check_inline(found, path, spec)
    check_values(found, path, spec.params)
    for param in spec.params:
        used = [one.expression for one in in_value(param.value) if result_ref(one)]
        if used:
            found.invalid(
                f"cannot use result expressions in [{' '.join(used)}] as PipelineRun parameter values",
                at(path, f"params[{param.name}].value"),
            )
    _check_timeouts(found, path, spec)
    if spec.task_run_template:
        _check_env(found, at(path, "taskRunTemplate"), spec.task_run_template.pod_template)
    if spec.status and spec.status not in _PIPELINE_STATUSES:
        allowed = "Cancelled, CancelledRunFinally, StoppedRunFinally or PipelineRunPending"
        found.invalid(f"{spec.status} should be {allowed}", at(path, "status"))
    where: dict[str, int] = {}
    for index, workspace in enumerate(spec.workspaces):
        _check_binding(found, at(path, "workspaces", index), workspace)
        if workspace.name in where:
            found.add(
                f'workspace "{workspace.name}" provided by pipelinerun more than once, '
                f"at index {where[workspace.name]} and {index}",
                at(path, "workspaces", index, "name"),
            )
        where[workspace.name] = index


def _check_resources(found: Findings, path: str, spec: TaskRunSpec | PipelineTaskRunSpec) -> None:
    given = (
        ("stepSpecs", spec.step_specs),
        ("sidecarSpecs", spec.sidecar_specs),
        ("computeResources", spec.compute_resources),
    )
    for field, value in given:
        if value:
            found.needs(field, "beta")
    check_quantities(at(path, "computeResources"), spec.compute_resources)
    for field, overrides in (("stepSpecs", spec.step_specs), ("sidecarSpecs", spec.sidecar_specs)):
        for index, one in enumerate(overrides):
            check_quantities(at(path, field, index, "computeResources"), one.compute_resources)


def _check_env(found: Findings, path: str, template: PodTemplate | None) -> None:
    """No podTemplate sets a variable that the cluster forbids. Source: validatePodTemplateEnv."""
    for one in template.env if template else ():
        if one.name in found.defaults.forbidden_env:
            found.invalid(f"PodTemplate cannot update a forbidden env: {one.name}", at(path, "PodTemplate.Env"))


def check_custom_run(found: Findings, path: str, spec: CustomRunSpec) -> None:
    """A CustomRun's spec."""
    if not spec.custom_ref and not spec.custom_spec:
        found.neither(at(path, "customRef"), at(path, "customSpec"))
    elif spec.custom_ref and spec.custom_spec:
        found.both(at(path, "customRef"), at(path, "customSpec"))
    for field, one in (("customRef", spec.custom_ref), ("customSpec", spec.custom_spec)):
        if one and not one.api_version:
            found.missing(at(path, field, "apiVersion"))
        if one and not one.kind:
            found.missing(at(path, field, "kind"))
    check_values(found, path, spec.params)
    _check_bindings(found, path, spec.workspaces)


def check_update(found: Findings, what: str, new: Object, old: Object) -> None:
    """A run's spec does not change once it is there, but for the words that cancel it."""
    done = is_done(old)
    tip = (
        f"Once the {what} is complete, no updates are allowed"
        if done
        else f"Once the {what} has started, only status updates are allowed"
    )
    free = () if done else ("status", "statusMessage")
    before, after = (_without(one.get("spec"), free) for one in (old, new))
    if before != after:
        found.invalid(tip, "spec")


def _without(spec: Any, keys: Sequence[str]) -> Any:
    return {k: v for k, v in spec.items() if k not in keys} if isinstance(spec, dict) else spec


def _check_inline(found: Findings, path: str, spec: PipelineRunSpec) -> None:
    """Params of a run reach inline specs without a declaration.

    A param that is neither declared nor given does not exist.
    """
    assert spec.pipeline_spec is not None
    pipeline = spec.pipeline_spec
    groups = [pipeline.params]
    for task in pipeline.tasks:
        groups.append(combined(task.params))
        if task.task_spec:
            groups.append(task.task_spec.params)
    if pipeline.tasks:
        for task in [*pipeline.tasks, *pipeline.final_tasks]:
            if task.task_spec and not task.task_spec.api_version:
                own = [p for one in (task.params, task.matrix.params if task.matrix else []) for p in one]
                own += [p for one in (task.matrix.include if task.matrix else []) for p in one.params]
                seen = combined(spec.params, combined(own), *groups, task.task_spec.params)
                check_declared(found, path, task.task_spec.steps, seen)
                if task in pipeline.tasks:
                    check_arrays(found, path, task.task_spec.steps, seen)
        # The webhook names these by the index alone, and does not look at the final tasks.
        check_task_params(found, path, pipeline.tasks, combined(spec.params, pipeline.params))


def _check_bindings(found: Findings, path: str, bindings: Sequence[WorkspaceBinding]) -> None:
    seen = set[str]()
    for index, binding in enumerate(bindings):
        where = at(path, "workspaces", index)
        _check_binding(found, where, binding)
        if binding.name.lower() in seen:
            found.both(at(where, "name"))
        seen.add(binding.name.lower())


def _check_binding(found: Findings, path: str, binding: WorkspaceBinding) -> None:
    sources = (
        binding.empty_dir,
        binding.persistent_volume_claim,
        binding.volume_claim_template,
        binding.config_map,
        binding.secret,
        binding.projected,
        binding.csi,
    )
    count = sum(source is not None for source in sources)
    if count != 1:
        (found.both if count else found.neither)(*(at(path, source) for source in _SOURCES))
    elif binding.persistent_volume_claim and not binding.persistent_volume_claim.claim_name:
        found.missing(at(path, "persistentvolumeclaim.claimname"))
    elif binding.config_map and not binding.config_map.name:
        found.missing(at(path, "configmap.name"))
    elif binding.secret and not binding.secret.secret_name:
        found.missing(at(path, "secret.secretName"))
    elif binding.projected and not binding.projected.sources:
        found.missing(at(path, "projected.sources"))


def _check_timeouts(found: Findings, path: str, spec: PipelineRunSpec) -> None:
    for index, one in enumerate(spec.task_run_specs):
        check_duration(found, at(path, f"taskRunSpecs[{one.pipeline_task_name}].timeout"), one.timeout)
        _check_resources(found, at(path, "taskRunSpecs", index), one)
        _check_env(found, at(path, "taskRunSpecs", index), one.pod_template)
    given = spec.timeouts
    if given is None:
        return
    fields = (("tasks", given.tasks), ("finally", given.final), ("pipeline", given.pipeline))
    seconds = {name: check_duration(found, at(path, "timeouts", name), text) for name, text in fields}
    limit = seconds["pipeline"] if given.pipeline else found.defaults.timeout_seconds
    if not limit:
        return
    rule = "should be <= pipeline duration" if given.pipeline else "should be <= default timeout duration"
    for name in ("tasks", "finally"):
        value = seconds[name]
        if value is not None and (value > limit or value == 0):
            shown = format_duration(value) + (" (no timeout)" if value == 0 else "")
            found.invalid(f"{shown} {rule}", at(path, "timeouts", name))
    tasks, final = seconds["tasks"], seconds["finally"]
    if tasks is not None and final is not None and tasks + final > limit:
        for name in ("tasks", "finally"):
            text = f"{format_duration(tasks)} + {format_duration(final)} {rule}"
            found.invalid(text, at(path, "timeouts", name))
