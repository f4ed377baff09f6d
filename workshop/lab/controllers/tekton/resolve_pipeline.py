"""The start of a PipelineRun: find its Pipeline, check the run's params and workspaces, replace references.

The result is `status.pipelineSpec`, which every later step reads. A later change or deletion of the Pipeline does not
affect the run.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import msgspec

from workshop.lab.admission.tekton.decode import decode
from workshop.lab.admission.tekton.defaults import default_pipeline
from workshop.lab.api_errors import BadRequest
from workshop.lab.controllers.tekton import params
from workshop.lab.controllers.tekton.errors import RunError, user_error
from workshop.lab.controllers.tekton.resolvers import Found, NotValid, Waiting, find
from workshop.lab.controllers.tekton.substitution import replaced_parts
from workshop.lab.controllers.tekton.task_checks import check_enum_subsets, check_tasks
from workshop.lab.store import Store
from workshop.manifests.objects import Object
from workshop.manifests.tekton import Param, Pipeline, PipelineRunSpec, PipelineSpec
from workshop.manifests.tekton.config import FeatureFlags
from workshop.manifests.tekton.graph import GraphError, dependencies
from workshop.manifests.tekton.references import Variables, replaced_tree, replaced_value


@dataclass(frozen=True)
class ResolvedPipeline:
    """The resolved Pipeline of a PipelineRun."""

    raw: Object
    """The substituted Pipeline, as the status shows it."""
    labels: dict[str, str]
    annotations: dict[str, str]
    source: dict[str, Any] | None = None
    """Where a resolver got the Pipeline from."""


def resolve_pipeline(store: Store, run: Object, spec: PipelineRunSpec, flags: FeatureFlags) -> ResolvedPipeline:
    """Resolve, check and substitute the Pipeline of a run, before its first task. Raises RunError, Waiting."""
    meta = run["metadata"]
    found = _pipeline(store, run, spec)
    name, raw, labels = found.name, found.spec, dict(found.labels)
    pipeline = typed_pipeline(raw)
    run_name, pipeline_name = f"{meta['namespace']}/{meta['name']}", f"{meta['namespace']}/{name}"
    try:
        dependencies(pipeline.tasks)
    except GraphError as e:
        raise user_error("PipelineInvalidGraph", f"PipelineRun {run_name}'s Pipeline DAG is invalid: {e}") from e
    context: params.Values = {
        ("context", "pipelineRun", "name"): meta["name"],
        ("context", "pipelineRun", "namespace"): meta["namespace"],
        ("context", "pipelineRun", "uid"): meta["uid"],
        ("context", "pipeline", "name"): name,
    }
    try:
        values = params.values(pipeline.params, spec.params, context, pass_on=spec.pipeline_spec is not None)
        if flags.param_enum:
            params.check_enums(pipeline.params, spec.params)
        params.check_indexes(_indexed(raw), values)
    except params.ParamProblem as e:
        raise _param_error(e, run_name, pipeline_name) from e
    _check_workspaces(spec, pipeline, run_name, pipeline_name)
    _check_task_run_specs(spec, pipeline, run_name)
    labels["tekton.dev/pipeline"] = name
    bound = {binding.name for binding in spec.workspaces}
    outer: params.Values = {
        ("workspaces", one.name, "bound"): "true" if one.name in bound else "false" for one in pipeline.workspaces
    }
    # As upstream, params come first: their values may hold contexts and workspaces.
    substituted = _substituted(_substituted(raw, values, {}), context, outer)
    specs = check_tasks(store, run, typed_pipeline(substituted), name)
    if flags.param_enum:
        check_enum_subsets(pipeline, specs)
    return ResolvedPipeline(substituted, labels, dict(found.annotations), found.source)


def _indexed(raw: Object) -> list[Any]:
    """Where the index of an array param is checked before the run: not in inline Tasks, which may declare params.

    Source: GetIndexingReferencesToArrayParams in pipeline_types.go.
    """
    fields = ("params", "matrix", "workspaces", "when", "displayName")
    tasks = [*(raw.get("tasks") or []), *(raw.get("finally") or [])]
    return [task.get(field) for task in tasks for field in fields]


def typed_pipeline(raw: Object) -> PipelineSpec:
    """A Pipeline's spec as its type. Raises RunError."""
    try:
        return decode({"spec": raw}, Pipeline).spec
    except BadRequest as e:
        raise RunError("PipelineValidationFailed", e.message) from e


def _pipeline(store: Store, run: Object, spec: PipelineRunSpec) -> Found:
    meta = run["metadata"]
    if spec.pipeline_spec is not None:
        return Found(meta["name"], run["spec"]["pipelineSpec"], {}, {})
    ref = spec.pipeline_ref
    if ref is None:
        raise RunError("CouldntGetPipeline", "expected exactly one, got neither: spec.pipelineRef, spec.pipelineSpec")
    try:
        asked = _replaced_by_run(run, spec, ref.params)
        found = find(store, "Pipeline", run, ref.name, ref.resolver, asked, reason="CouldntGetPipeline")
    except Waiting as e:
        raise Waiting("Pipeline") from e
    except NotValid as e:
        start = f"Failed dryRunValidation for PipelineRun {meta['name']}: failed to read runtime object as Pipeline"
        raise user_error("PipelineValidationFailed", f"{start}: {e.message}") from e
    except RunError as e:
        start = f"Error retrieving pipeline for pipelinerun {meta['namespace']}/{meta['name']}: "
        if ref.resolver:
            raise RunError(e.reason, f"{start}resolver failed to get Pipeline : {e.message}") from e
        where = f"tekton client cannot get pipeline {ref.name} from local cluster: " if ref.name else ""
        text = f"error when getting Pipeline for PipelineRun {meta['name']}: {where}{e.message}"
        raise RunError(e.reason, start + text) from e
    raw: Object = msgspec.json.decode(msgspec.json.encode(found.spec))
    default_pipeline(raw)
    return dataclasses.replace(found, spec=raw)


def _replaced_by_run(run: Object, spec: PipelineRunSpec, asked: list[Param]) -> list[Param]:
    """The params of a resolver, which may use those of the run and its context."""
    meta = run["metadata"]
    known: params.Values = {("params", param.name): param.value for param in spec.params}
    known |= {("context", "pipelineRun", field): meta[field] for field in ("name", "namespace", "uid")}
    return [Param(name=one.name, value=replaced_value(one.value, Variables(known))) for one in asked]


def _substituted(raw: Object, values: params.Values, outer: params.Values) -> Object:
    """The Pipeline with params and context replaced. `outer` does not apply inside inline Tasks."""
    out = dict(raw)
    for field in ("tasks", "finally"):
        if raw.get(field):
            out[field] = [_substituted_task(task, values, outer) for task in raw[field]]
    if raw.get("results"):
        lookup = Variables(values)
        out["results"] = [{**r, "value": replaced_tree(r["value"], lookup)} for r in raw["results"]]
    return out


def _substituted_task(task: Object, values: params.Values, outer: params.Values) -> Object:
    own: params.Values = {**values, ("context", "pipelineTask", "retries"): str(task.get("retries") or 0)}
    lookup = Variables({**own, **outer})
    out: dict[str, Any] = {}
    for key, value in task.items():
        if key == "taskSpec":
            inner = Variables(_inner(task, value, own))
            if value.get("apiVersion"):
                out[key] = {**value, "spec": replaced_tree(value.get("spec"), inner)}
            else:
                out[key] = replaced_parts(value, inner)
        elif key in ("name", "description", "runAfter", "retries", "timeout", "pipelineSpec"):
            # The params of a Pipeline do not reach the Pipelines in it.
            out[key] = value
        elif key in ("params", "matrix"):
            out[key] = _replaced_params(value, lookup)
        else:
            out[key] = replaced_tree(value, lookup)
    return out


def _inner(task: Object, spec: Object, outer: params.Values) -> params.Values:
    """The Pipeline's values inside an inline Task. The task's own params and defaults take precedence."""
    lookup = Variables(outer)
    found = dict(outer)
    given = {param["name"]: param.get("value") for param in task.get("params") or []}
    for name, value in given.items():
        if ("params", name) in found:
            outside, own = found[("params", name)], replaced_value(value, lookup)
            # The keys of an object that the task does not give are those of the run.
            found[("params", name)] = {**outside, **own} if isinstance(outside, dict) and isinstance(own, dict) else own
    for param in spec.get("params") or []:
        if param.get("default") is not None and param["name"] not in given:
            found.pop(("params", param["name"]), None)
    return found


def _replaced_params(value: Any, lookup: Variables) -> Any:
    """Replace params. A value that is a single reference to a list becomes the list."""
    if isinstance(value, dict) and "value" in value and isinstance(value["value"], str):
        return {**value, "value": replaced_value(value["value"], lookup)}
    if isinstance(value, dict):
        return {key: one if key == "name" else _replaced_params(one, lookup) for key, one in value.items()}
    if isinstance(value, list) and any(isinstance(one, dict) for one in value):
        return [_replaced_params(one, lookup) for one in value]
    return replaced_tree(value, lookup)


def _check_workspaces(spec: PipelineRunSpec, pipeline: PipelineSpec, run: str, name: str) -> None:
    bound = {binding.name for binding in spec.workspaces}
    for workspace in pipeline.workspaces:
        if workspace.name not in bound and not workspace.optional:
            raise user_error(
                "InvalidWorkspaceBindings",
                f"PipelineRun {run} doesn't bind Pipeline {name}'s Workspaces correctly: pipeline requires "
                f'workspace with name "{workspace.name}" be provided by pipelinerun',
            )


def _check_task_run_specs(spec: PipelineRunSpec, pipeline: PipelineSpec, run: str) -> None:
    known = {task.name for task in (*pipeline.tasks, *pipeline.final_tasks)}
    for one in spec.task_run_specs:
        if one.pipeline_task_name not in known:
            raise user_error(
                "InvalidTaskRunSpecs",
                f"PipelineRun {run} doesn't define taskRunSpecs correctly: "
                "pipelineRun's taskrunSpecs defined wrong taskName: "
                f'"{one.pipeline_task_name}", does not exist in Pipeline',
            )


def _param_error(problem: params.ParamProblem, run: str, name: str) -> RunError:
    if problem.kind == "missing":
        return user_error(
            "ParameterMissing",
            f"PipelineRun {run} is missing some parameters required by Pipeline {name}: "
            f"pipelineRun missing parameters: {problem.names}",
        )
    if problem.kind == "type":
        return user_error(
            "ParameterTypeMismatch",
            f"PipelineRun {run} parameters have mismatching types with Pipeline {name}'s parameters: "
            f"parameters have inconsistent types : {problem.names}",
        )
    if problem.kind == "enum":
        return user_error("InvalidParamValue", f"PipelineRun {run} parameters have invalid value: {problem.names}")
    if problem.kind == "keys":
        return user_error(
            "ObjectParameterMissKeys",
            f"PipelineRun {run} parameters is missing object keys required by Pipeline {name}'s parameters: "
            f"pipelineRun missing object keys for parameters: {problem.names}",
        )
    return user_error(
        "ParamArrayIndexingInvalid",
        f"PipelineRun {run} failed validation: failed to validate Pipeline {name}'s parameter which has an "
        f"invalid index while referring to an array: non-existent param references:{problem.names}",
    )
