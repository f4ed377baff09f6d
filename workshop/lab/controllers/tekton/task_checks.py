"""Checks the tasks of a Pipeline against their Tasks, before the first one starts.

Sources: ValidateResolvedTask in pkg/reconciler/taskrun/validate_taskrun.go and
pkg/reconciler/pipelinerun/resources/validate_dependencies.go of tektoncd/pipeline at v1.15.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from workshop.lab.admission.tekton.defaults import default_task
from workshop.lab.controllers.tekton.children import is_custom
from workshop.lab.controllers.tekton.errors import RunError, user_error
from workshop.lab.controllers.tekton.names import child_name
from workshop.lab.controllers.tekton.params import kind_of
from workshop.lab.controllers.tekton.resolve_task import MISMATCHES, typed_task
from workshop.lab.controllers.tekton.resolvers import NotValid, Waiting, find
from workshop.lab.store import Store
from workshop.manifests.objects import Object
from workshop.manifests.tekton import Param, ParamSpec, PipelineRef, PipelineSpec, PipelineTask, TaskSpec
from workshop.manifests.tekton.graph import ResultRef, result_ref, result_refs
from workshop.manifests.tekton.references import in_value


def check_tasks(store: Store, run: Object, pipeline: PipelineSpec, name: str) -> dict[str, TaskSpec | None]:
    """Check the substituted Pipeline of a run; `name` is the Pipeline's. Raises RunError, Waiting.

    Returns the Task of each task; None for one that only its run can resolve.
    """
    tasks = [*pipeline.tasks, *pipeline.final_tasks]
    specs = _specs(store, run, tasks, name)
    run_name = run["metadata"]["name"]
    for task in tasks:
        spec = specs[task.name]
        if spec is not None:
            check_params(task, spec, run_name)
    for task in tasks:
        for ref in result_refs(task):
            problem = unknown_result(ref, specs)
            if problem:
                text = f'invalid result reference in pipeline task "{task.name}": {problem}'
                raise RunError("InvalidTaskResultReference", text)
    for result in pipeline.results:
        for problem in _unknown_results(result.value, specs):
            text = (
                f'Failed to resolve pipeline result reference for "{run_name}" with error '
                f'invalid pipeline result "{result.name}": {problem}'
            )
            raise RunError("InvalidPipelineResultReference", text)
    _check_optional_workspaces(pipeline, tasks, specs)
    return specs


def check_enum_subsets(pipeline: PipelineSpec, specs: Mapping[str, TaskSpec | None]) -> None:
    """Check that a Pipeline's param allows no value that a task's param does not. Raises RunError.

    Source: ValidateParamEnumSubset in pkg/reconciler/pipelinerun/resources/pipelinerunresolution.go, which leaves the
    other params of a task unchecked after the first that is no string or has no enum.
    """
    outer = {param.name: param for param in pipeline.params}
    for task in (*pipeline.tasks, *pipeline.final_tasks):
        inner = {param.name: param for param in getattr(specs.get(task.name), "params", ())}
        of = task.task_ref.name if task.task_ref else ""
        for param in task.params:
            used = [one for one in in_value(param.value) if one.parts[0] == "params"]
            if not isinstance(param.value, str) or len(used) != 1:
                continue
            given, wanted = outer.get(used[0].parts[1]), inner.get(param.name)
            if given is None or given.type != "string" or wanted is None or not wanted.enum:
                break
            start = f'Validation failed for pipelinerun with error pipeline param "{given.name}"'
            shown = f"[{' '.join(wanted.enum)}]"
            if not given.enum:
                text = f'{start} has no enum, but referenced in "{of}" task has enums: {shown}'
                raise user_error("PipelineValidationFailed", text)
            if not set(given.enum) <= set(wanted.enum):
                own = f"[{' '.join(given.enum)}]"
                text = f'{start} enum: {own} is not a subset of the referenced in "{of}" task param enum: {shown}'
                raise user_error("PipelineValidationFailed", text)


def _specs(store: Store, run: Object, tasks: Iterable[PipelineTask], pipeline: str) -> dict[str, TaskSpec | None]:
    """The Tasks by the name of the task; all resolvers are asked before the run waits for one."""
    found: dict[str, TaskSpec | None] = {}
    waiting: Waiting | None = None
    for task in tasks:
        try:
            found[task.name] = spec_of(store, run, task, pipeline)
        except Waiting as e:
            waiting = e
    if waiting:
        raise waiting
    return found


def spec_of(store: Store, run: Object, task: PipelineTask, pipeline: str) -> TaskSpec | None:
    """The Task of a task of a run; None for a custom task, and for a reference that only its run can resolve.

    Raises RunError, Waiting.
    """
    if task.pipeline_ref is not None:
        _check_pipeline(store, run, task.pipeline_ref, pipeline)
    if is_custom(task) or task.is_pipeline:
        return None
    if task.task_spec is not None:
        return task.task_spec.task()
    ref = task.task_ref
    if ref is None or "$(" in str(ref.params):
        return None
    meta = run["metadata"]
    namespace, base = meta["namespace"], child_name(meta["name"], f"-{task.name}")
    try:
        found = find(store, "Task", run, ref.name, ref.resolver, ref.params, reason="CouldntGetTask", base=base)
    except NotValid as e:
        text = f"PipelineRun {namespace}/{meta['name']} can't be Run; couldn't resolve all references: {e.message}"
        raise user_error("PipelineValidationFailed", text) from e
    except RunError as e:
        text = f"Pipeline {namespace}/{pipeline} can't be Run; it contains Tasks that don't exist: "
        raise RunError(e.reason, f'{text}Couldn\'t retrieve Task "{ref.name}": {e.message}') from e
    raw: Object = msgspec.json.decode(msgspec.json.encode(found.spec))
    default_task(raw)
    return typed_task(raw)


def _check_pipeline(store: Store, run: Object, ref: PipelineRef, pipeline: str) -> None:
    """Raise RunError for a Pipeline in the Pipeline that does not exist. Raises Waiting."""
    if "$(" in str(ref.params):
        return
    try:
        find(store, "Pipeline", run, ref.name, ref.resolver, ref.params, reason="CouldntGetPipeline")
    except RunError as e:
        of = f"Pipeline {run['metadata']['namespace']}/{pipeline}"
        text = f"{of} can't be Run; it contains child Pipelines that don't exist: "
        raise RunError(e.reason, f'{text}Couldn\'t retrieve Pipeline "{ref.name}": {e.message}') from e


def check_params(task: PipelineTask, spec: TaskSpec, run: str) -> None:
    """Check the params of a task of a run against its Task. Raises RunError."""
    of_matrix = [] if task.matrix is None else [
        *task.matrix.params, *(param for one in task.matrix.include for param in one.params),
    ]  # fmt: skip
    problem = mismatch(spec.params, task.params, of_matrix)
    if problem:
        kind, names = problem
        of = task.task_ref.name if task.task_ref else ""
        text = f"invalid input params for task {of}: {MISMATCHES[kind]}{names}"
        raise user_error("PipelineValidationFailed", f"Validation failed for pipelinerun {run} with error {text}")


def mismatch(specs: Iterable[ParamSpec], given: list[Param], of_matrix: list[Param]) -> tuple[str, str] | None:
    """How params do not match their declaration: the kind and the names."""
    declared = {spec.name: spec for spec in specs}
    names = {param.name for param in (*given, *of_matrix)}
    missing = [name for name, spec in declared.items() if name not in names and spec.default is None]
    if missing:
        return "missing", f"[{' '.join(missing)}]"
    wrong = [param.name for param in given if param.name in declared and not _fits(param, declared[param.name])]
    wrong += [p.name for p in of_matrix if p.name in declared and (declared[p.name].type or "string") != "string"]
    if wrong:
        return "type", f"[{' '.join(wrong)}]"
    lacking = {}
    for param in given:
        spec = declared.get(param.name)
        if spec is not None and isinstance(param.value, dict):
            default = spec.default if isinstance(spec.default, dict) else {}
            keys = sorted(set(spec.properties or {}) - set(param.value) - set(default))
            if keys:
                lacking[param.name] = f"{param.name}:[{' '.join(keys)}]"
    return ("keys", f"map[{' '.join(lacking[name] for name in sorted(lacking))}]") if lacking else None


def _fits(param: Param, spec: ParamSpec) -> bool:
    """Whether a value has the declared type. A reference may become a list or an object."""
    wanted = spec.type or "string"
    if isinstance(param.value, str) and wanted in ("array", "object") and next(in_value(param.value), None):
        return True
    return kind_of(param.value) == wanted


def _unknown_results(value: object, specs: Mapping[str, TaskSpec | None]) -> Iterable[str]:
    for reference in in_value(value):
        ref = result_ref(reference)
        problem = unknown_result(ref, specs) if ref else ""
        if problem:
            yield problem


def unknown_result(ref: ResultRef, specs: Mapping[str, TaskSpec | None]) -> str:
    """Why a reference names no result of a task; empty when it does, or only the run can tell."""
    if ref.task not in specs:
        return f'referenced pipeline task "{ref.task}" does not exist'
    spec = specs[ref.task]
    if spec is None or any(result.name == ref.result for result in spec.results):
        return ""
    return f'"{ref.result}" is not a named result returned by pipeline task "{ref.task}"'


def _check_optional_workspaces(
    pipeline: PipelineSpec, tasks: Iterable[PipelineTask], specs: Mapping[str, TaskSpec | None]
) -> None:
    optional = {workspace.name for workspace in pipeline.workspaces if workspace.optional}
    for task in tasks:
        spec = specs[task.name]
        required = {one.name for one in spec.workspaces if not one.optional} if spec else set()
        for one in task.workspaces:
            if one.workspace in optional and one.name in required:
                raise user_error(
                    "RequiredWorkspaceMarkedOptional",
                    f'Optional workspace not supported by task: pipeline workspace "{one.workspace}" is marked '
                    f'optional but pipeline task "{task.name}" requires it be provided',
                )
