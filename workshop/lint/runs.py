"""The rules for PipelineRuns and TaskRuns, against the Pipelines and Tasks of the same set of files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from workshop.lint.findings import Finds, Found
from workshop.lint.pipelines import Tasks, check_pipeline, common, mismatches
from workshop.lint.security import refused_template
from workshop.lint.tasks import check_task
from workshop.manifests.places import Path
from workshop.manifests.tekton import (
    Param,
    PipelineRunSpec,
    PipelineSpec,
    PodTemplate,
    TaskRunSpec,
    TaskSpec,
    WorkspaceBinding,
    parse_duration,
)

Pipelines = Mapping[str, Sequence[PipelineSpec]]
_DEFAULT_SECONDS = 3600.0
"""The timeout of a TaskRun that sets none, unless the cluster's ConfigMap `config-defaults` has another."""


def check_pipeline_run(
    spec: PipelineRunSpec, path: Path, raw: Mapping[str, Any], pipelines: Pipelines, tasks: Tasks
) -> Finds:
    """A PipelineRun. `raw` is its spec before defaults."""
    timeouts = raw.get("timeouts")
    if not (isinstance(timeouts, dict) and timeouts.get("pipeline")):
        yield Found("missing-timeout", (*path, "timeouts"), "The PipelineRun sets no timeout.")
    yield from _short_tasks(spec, (*path, "timeouts"), pipelines)
    given, bound = _given(spec.params, spec.workspaces, path)
    if spec.pipeline_spec is not None:
        where = (*path, "pipelineSpec")
        yield from check_pipeline(spec.pipeline_spec, where, tasks, params=given, passed_on=True)
    ref = spec.pipeline_ref
    if ref is not None:
        known = () if ref.resolver else pipelines.get(ref.name, ())
        yield from _reference(ref.resolver, known, given, bound, (*path, "pipelineRef"), f"the Pipeline {ref.name}")
    template = spec.task_run_template
    if template is not None:
        yield from _pod(template.pod_template, (*path, "taskRunTemplate", "podTemplate"))
    for index, one in enumerate(spec.task_run_specs):
        where = (*path, "taskRunSpecs", index)
        yield from _pod(one.pod_template, (*where, "podTemplate"))
        yield from _resources(one.compute_resources, one.step_specs, one.sidecar_specs, where)


def _short_tasks(spec: PipelineRunSpec, path: Path, pipelines: Pipelines) -> Finds:
    """Tasks that end after the default of a TaskRun, although the run may take longer.

    Source: pipelineRunTimeout in pkg/reconciler/pipelinerun/pipelinerun.go of tektoncd/pipeline.
    """
    given = spec.timeouts
    if given is None or given.pipeline is None or given.tasks is not None:
        return
    seconds, final = parse_duration(given.pipeline), parse_duration(given.final or "0")
    if (seconds and final) or 0 < seconds <= _DEFAULT_SECONDS:
        return
    known = [spec.pipeline_spec] if spec.pipeline_spec else []
    if spec.pipeline_ref is not None and not spec.pipeline_ref.resolver:
        known += pipelines.get(spec.pipeline_ref.name, ())
    own = {one.pipeline_task_name for one in spec.task_run_specs if one.timeout}
    short = {task.name for one in known for task in one.tasks if not task.timeout and task.name not in own}
    if short:
        names = ", ".join(sorted(short))
        text = f"The run may take {given.pipeline}, but these tasks end after the cluster's default: {names}."
        yield Found("missing-timeout", (*path, "pipeline"), text)


def check_task_run(spec: TaskRunSpec, path: Path, raw: Mapping[str, Any], tasks: Tasks) -> Finds:
    """A TaskRun. `raw` is its spec before defaults."""
    if not raw.get("timeout"):
        yield Found("missing-timeout", (*path, "timeout"), "The TaskRun sets no timeout.")
    given, bound = _given(spec.params, spec.workspaces, path)
    if spec.task_spec is not None:
        yield from check_task(spec.task_spec, (*path, "taskSpec"), params=given, passed_on=True)
    ref = spec.task_ref
    if ref is not None:
        known = () if ref.resolver else tasks.get(ref.name, ())
        yield from _reference(ref.resolver, known, given, bound, (*path, "taskRef"), f"the Task {ref.name}")
    yield from _pod(spec.pod_template, (*path, "podTemplate"))
    yield from _resources(spec.compute_resources, spec.step_specs, spec.sidecar_specs, path)


def _reference(
    resolver: str,
    known: Sequence[PipelineSpec | TaskSpec],
    given: dict[str, Path],
    bound: dict[str, Path],
    path: Path,
    of: str,
) -> Finds:
    """The reference of a run. `known` are the objects of that name in the files."""
    if resolver:
        yield Found("beta-field", (*path, "resolver"), "Remote resolution is a beta feature.")
    yield from common([list(mismatches(one.params, one.workspaces, given, bound, path, of)) for one in known])


def _given(
    params: Sequence[Param], workspaces: Sequence[WorkspaceBinding], path: Path
) -> tuple[dict[str, Path], dict[str, Path]]:
    """The params and workspaces that a run gives, with their places."""
    given: dict[str, Path] = {one.name: (*path, "params", index) for index, one in enumerate(params)}
    return given, {one.name: (*path, "workspaces", index) for index, one in enumerate(workspaces)}


def _pod(template: PodTemplate | None, path: Path) -> Finds:
    if template is not None:
        yield from refused_template(template, path)


def _resources(whole: object, steps: Sequence[object], sidecars: Sequence[object], path: Path) -> Finds:
    for field, value in (("computeResources", whole), ("stepSpecs", steps), ("sidecarSpecs", sidecars)):
        if value:
            yield Found("beta-field", (*path, field), f"{field} of a run is a beta feature.")
