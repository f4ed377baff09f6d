"""The rules for Pipelines and their tasks.

Sources: pipeline_validation.go and matrix_types.go of pkg/apis/pipeline/v1 at v1.12.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from workshop.lab.admission.tekton import names
from workshop.lab.admission.tekton.decode import decode
from workshop.lab.admission.tekton.findings import Findings, at
from workshop.lab.admission.tekton.refused import check_refused
from workshop.lab.admission.tekton.task import (
    ARTIFACTS_OFF,
    check_duration,
    check_reference,
    check_task,
    check_when,
    uses_artifacts,
)
from workshop.lab.admission.tekton.variables import check_declared, check_params, check_values, combined, escaped
from workshop.manifests.tekton import Param, ParamSpec, ParamValue, Pipeline, PipelineSpec, PipelineTask, TaskRef
from workshop.manifests.tekton.graph import GraphError, dependencies, result_ref, result_refs
from workshop.manifests.tekton.references import Reference, in_value, whole
from workshop.manifests.tekton.when import texts

_STATUS = "pipeline tasks can not refer to execution status of any other pipeline task or aggregate status of tasks"
_CONTEXT = {
    "pipelineRun": {"name", "namespace", "uid"},
    "pipeline": {"name"},
    "pipelineTask": {"retries"},
}

Numbered = tuple[str, PipelineTask]
"""A task with its path."""


def check_pipeline(found: Findings, path: str, spec: PipelineSpec) -> None:
    """A Pipeline's spec, standing alone or inline."""
    if spec == PipelineSpec():
        fields = ("description", "params", "resources", "tasks", "workspaces")
        found.add("expected at least one, got none", *(at(path, field) for field in fields))
    seen = set[str]()
    for where, task in numbered(path, spec):
        if task.task_ref and task.task_ref.resolver:
            found.needs("taskref.resolver", "beta")
        if task.task_ref and task.task_ref.params:
            found.needs("taskref.params", "beta")
        if not names.is_label(task.name):
            found.add(f'invalid value "{task.name}"', at(where, "name"), details=names.PIPELINE_TASK_RULE)
        if task.name in seen:
            found.both(at(where, "name"))
        seen.add(task.name)
        _check_task(found, where, task)
    for field, tasks in (("tasks", spec.tasks), ("finally", spec.final_tasks)):
        _check_matrix_results(found, at(path, field), tasks)
        _check_context(found, at(path, field, "value"), tasks)
    try:
        dependencies(spec.tasks)
    except GraphError as e:
        found.invalid(e, at(path, "tasks"))
    for field in ("tasks", "finally"):
        # The webhook validates a Pipeline's params once with its tasks and once with its final tasks.
        check_params(found, at(path, field), spec.params)
    _check_statuses(found, path, spec)
    _check_workspaces(found, path, spec)
    _check_results(found, path, spec)
    if spec.final_tasks and not spec.tasks:
        text = f"spec.tasks is empty but spec.finally has {len(spec.final_tasks)} tasks"
        found.invalid(text, at(path, "finally"))
    _check_final(found, path, spec)
    _check_child_results(found, path, spec)
    _check_artifacts(found, path, spec)


def check_standing(found: Findings, path: str, spec: PipelineSpec) -> None:
    """What only a Pipeline object must hold to: nothing comes to it by propagation."""
    for where, task in numbered(path, spec):
        if task.task_spec and not task.task_spec.api_version:
            # The Pipeline's own params reach inline Tasks (validateUsageOfDeclaredPipelineTaskParameters).
            check_declared(found, where, task.task_spec.steps, combined([], spec.params, task.task_spec.params))
    check_param_usage(found, path, spec, spec.params)
    known = {workspace.name for workspace in spec.workspaces}
    for where, task in numbered(path, spec):
        used = set[str]()
        for index, workspace in enumerate(task.workspaces):
            here = at(where, "workspaces", index)
            if workspace.name in used:
                found.add(f'workspace name "{workspace.name}" must be unique', here)
            used.add(workspace.name)
            wanted = workspace.workspace or workspace.name
            if wanted not in known:
                found.invalid(
                    f'pipeline task "{task.name}" expects workspace with name "{wanted}" '
                    "but none exists in pipeline spec",
                    here,
                )


def check_param_usage(found: Findings, path: str, spec: PipelineSpec, params: Sequence[ParamSpec]) -> None:
    """Every `$(params.x)` in a task's params, matrix and when is one of `params`, and of a type that fits there."""
    for field, tasks in (("tasks", spec.tasks), ("finally", spec.final_tasks)):
        check_task_params(found, at(path, field), tasks, params)


def check_task_params(found: Findings, path: str, tasks: Sequence[PipelineTask], params: Sequence[ParamSpec]) -> None:
    """`check_param_usage` for one list of tasks at a path. Source: validatePipelineParametersVariables."""
    known = {param.name: param for param in params}
    for index, task in enumerate(tasks):
        for field, text, takes_array in _param_texts(at(path, index), task):
            if problem := _param_problem(text, known, takes_array=takes_array):
                found.add(f'{problem} in "{escaped(text)}"', field)


def numbered(path: str, spec: PipelineSpec) -> Iterator[Numbered]:
    """Tasks and final tasks, each with its path."""
    for field, tasks in (("tasks", spec.tasks), ("finally", spec.final_tasks)):
        for index, task in enumerate(tasks):
            yield at(path, field, index), task


def _check_task(found: Findings, path: str, task: PipelineTask) -> None:
    ref, spec = task.task_ref, task.task_spec
    _check_kind(found, path, task)
    if ref:
        _check_ref(found, path, ref)
    if task.pipeline_ref:
        named = task.pipeline_ref
        check_reference(found, at(path, "pipelineRef"), named.name, named.resolver, named.params)
    if task.pipeline_spec is not None:
        child = decode({"kind": "Pipeline", "spec": task.pipeline_spec}, Pipeline).spec
        check_pipeline(found, at(path, "pipelineSpec"), child)
        check_refused(found, at(path, "pipelineSpec"), child)
    if spec:
        if spec.steps and (spec.api_version or spec.kind):
            for field, value in (("apiVersion", spec.api_version), ("kind", spec.kind)):
                if value:
                    where = at(path, "taskSpec", field)
                    found.add(f"taskSpec.{field} cannot be specified when using taskSpec.steps", where)
        elif spec.api_version and not spec.kind:
            found.invalid("custom task spec must specify kind", at(path, "taskSpec.kind"))
        elif spec.kind and spec.kind != "Task" and not spec.api_version:
            found.invalid("custom task spec must specify apiVersion", at(path, "taskSpec.apiVersion"))
        if not spec.api_version:
            check_task(found, at(path, "taskSpec"), spec.task())
    check_values(found, path, task.params)
    check_when(found, path, task.when)
    check_duration(found, at(path, "timeout"), task.timeout)
    if task.on_error and not task.on_error.startswith("$(params"):
        found.needs("OnError", "beta")
    if task.on_error and task.on_error not in ("continue", "stopAndFail") and not task.on_error.startswith("$("):
        rule = 'PipelineTask OnError must be either "continue" or "stopAndFail"'
        found.add(f"invalid value: {task.on_error}", at(path, "OnError"), details=rule)
    if task.on_error == "continue" and task.retries > 0:
        # The webhook names no field here.
        found.add('PipelineTask OnError cannot be set to "continue" when Retries is greater than 0', "")
    _check_matrix(found, path, task)


def _check_context(found: Findings, path: str, tasks: Sequence[PipelineTask]) -> None:
    """Contexts in the params of the last task; the webhook does not look at the others.

    Source: validatePipelineContextVariables.
    """
    for text in (text for param in _all_params(tasks[-1]) for text in _texts(param.value)) if tasks else ():
        for reference in in_value(text):
            parts = reference.parts
            if parts[0] == "context" and len(parts) == 3 and parts[2] not in _CONTEXT.get(parts[1], {parts[2]}):
                found.add(f'non-existent variable in "{escaped(text)}"', path)


def _all_params(task: PipelineTask) -> list[Param]:
    of_matrix = [*task.matrix.params, *(p for one in task.matrix.include for p in one.params)] if task.matrix else []
    return [*task.params, *of_matrix]


def _check_kind(found: Findings, path: str, task: PipelineTask) -> None:
    """Exactly one of the ways to say what a task runs. Source: validateRefOrSpec."""
    given = [
        ("taskRef", task.task_ref),
        ("taskSpec", task.task_spec),
        ("pipelineRef", task.pipeline_ref),
        ("pipelineSpec", task.pipeline_spec),
    ]
    for name, one in given[2:]:
        if one is not None:
            found.needs(name, "alpha")
    named = [at(path, name) for name, one in given if one is not None]
    if len(named) > 1:
        found.add("expected exactly one, got multiple", *named)
    elif not named:
        allowed = given if found.flags.enable_api_fields == "alpha" else given[:2]
        found.neither(*(at(path, name) for name, _ in allowed))
    for name in ("taskSpec", "pipelineSpec"):
        if found.flags.disallows_inline("pipeline") and dict(given)[name] is not None:
            found.disallowed(at(path, name))


def _check_ref(found: Findings, path: str, ref: TaskRef) -> None:
    if ref.api_version and not ref.kind:
        found.invalid("custom task ref must specify kind", at(path, "taskRef.kind"))
    elif ref.kind not in ("", "Task") and not ref.api_version:
        found.invalid("custom task ref must specify apiVersion", at(path, "taskRef.apiVersion"))
    elif not ref.api_version or ref.api_version.startswith("tekton.dev/"):
        check_reference(found, at(path, "taskRef"), ref.name, ref.resolver, ref.params)


def _check_matrix(found: Findings, path: str, task: PipelineTask) -> None:
    matrix = task.matrix
    if matrix is None:
        return
    if matrix.params or matrix.include:
        found.needs("matrix", "beta")
    # Types are checked when the task starts: a string may be a reference to a list.
    count = math.prod(len(param.value) for param in matrix.params if isinstance(param.value, list))
    if task.is_pipeline:
        found.add("Tekton runs a Pipeline in a Pipeline once; give the matrix to the tasks in it", at(path, "matrix"))
    limit = found.defaults.matrix_combinations
    if count > limit:
        found.add(f"expected 0 <= {count} <= {limit}", at(path, "matrix"))
    given = {p.name for p in matrix.params} | {p.name for one in matrix.include for p in one.params}
    for param in task.params:
        if param.name in given:
            found.both(at(path, f"matrix[{param.name}]"), at(path, f"params[{param.name}]"))


def _check_statuses(found: Findings, path: str, spec: PipelineSpec) -> None:
    """`$(tasks.x.status)` and its like are for final tasks, and name a task that there is."""
    known = {task.name for task in spec.tasks}
    final = {id(task) for task in spec.final_tasks}
    for where, task in numbered(path, spec):
        for field, reference in _value_references(where, task):
            parts = reference.parts
            if parts[0] != "tasks" or parts[-1] not in ("status", "reason") or len(parts) > 3:
                continue
            if id(task) not in final:
                found.invalid(_STATUS, field)
            elif len(parts) == 3 and parts[1] not in known:
                found.invalid(f"pipeline task {parts[1]} is not defined in the pipeline", field)


def _check_workspaces(found: Findings, path: str, spec: PipelineSpec) -> None:
    seen = set[str]()
    for index, workspace in enumerate(spec.workspaces):
        where = at(path, "workspaces", index)
        if not workspace.name:
            found.invalid(f"workspace {index} has empty name", where)
        if workspace.name in seen:
            found.invalid(f'workspace with name "{workspace.name}" appears more than once', where)
        seen.add(workspace.name)


def _check_results(found: Findings, path: str, spec: PipelineSpec) -> None:
    tasks = {task.name for task in spec.tasks}
    final = {task.name for task in spec.final_tasks}
    expected = "expected pipeline results to be task result expressions but "
    for index, result in enumerate(spec.results):
        where = at(path, "results", index, "value")
        used = list(in_value(result.value))
        if not used:
            found.invalid(expected + "no expressions were found", where)
        refs = [(one, ref) for one in used if (ref := result_ref(one))]
        if not refs:
            found.invalid(expected + "an invalid expressions was found", where)
        if not refs or any(ref.task not in (tasks if one.parts[0] == "tasks" else final) for one, ref in refs):
            found.invalid("referencing a nonexistent task", where)


def _check_final(found: Findings, path: str, spec: PipelineSpec) -> None:
    tasks = {task.name for task in spec.tasks}
    final = {task.name for task in spec.final_tasks}
    for index, task in enumerate(spec.final_tasks):
        where = at(path, "finally", index)
        if task.run_after:
            text = f"no runAfter allowed under spec.finally, final task {task.name} has runAfter specified"
            found.invalid(text, where)
        for field, reference in _value_references(where, task):
            ref = result_ref(reference)
            start = "invalid task result reference, final task has task result reference from a "
            if ref and ref.task in final:
                found.invalid(f"{start}final task {ref.task}", field)
            elif ref and ref.task not in tasks:
                found.invalid(f"{start}task {ref.task} which is not defined in the pipeline", field)


def _check_child_results(found: Findings, path: str, spec: PipelineSpec) -> None:
    """No task uses a result of a Pipeline in the Pipeline. Source: validatePipelineRefResultReferencesDisallowed."""
    children = {task.name for task in spec.tasks if task.is_pipeline}
    for where, task in numbered(path, spec) if children else ():
        for ref in result_refs(task):
            if ref.task in children:
                found.invalid(
                    f'result reference to pipelineTask "{ref.task}" is not supported: referenced task uses pipelineRef '
                    "or pipelineSpec and result propagation from child Pipelines is not yet implemented",
                    where,
                )


def _check_artifacts(found: Findings, path: str, spec: PipelineSpec) -> None:
    """Params use artifacts only with the flag; the webhook names one task. Source: validateArtifactReference."""
    if found.flags.artifacts:
        return
    for where, task in numbered(path, spec):
        if any(uses_artifacts(text) for param in task.params for text in _texts(param.value)):
            found.add(ARTIFACTS_OFF, at(where, "params"))
            return


def _texts(value: ParamValue) -> list[str]:
    return [value] if isinstance(value, str) else list(value.values()) if isinstance(value, dict) else value


def _value_references(path: str, task: PipelineTask) -> Iterator[tuple[str, Reference]]:
    for param in task.params:
        for reference in in_value(param.value):
            yield at(path, f"params[{param.name}].value"), reference
    for index, when in enumerate(task.when):
        for reference in in_value(texts([when])):
            yield at(path, "when", index), reference


def _param_texts(path: str, task: PipelineTask) -> Iterator[tuple[str, str, bool]]:
    """The texts of a task with `$(params...)`, each with its field and whether a whole array may stand there."""
    for param in task.params:
        where, value = at(path, f"params[{param.name}]"), param.value
        if isinstance(value, list):
            yield from ((at(where, "value", i), one, True) for i, one in enumerate(value))
        elif isinstance(value, dict):
            yield from ((at(where, f"properties[{key}]"), one, False) for key, one in value.items())
        else:
            reference = whole(value)
            yield where, value, reference is not None and reference.index == "*"
    for param in task.matrix.params if task.matrix else ():
        values = param.value if isinstance(param.value, list) else []
        where = at(path, f"matrix.params[{param.name}]")
        yield from ((at(where, "value", i), one, True) for i, one in enumerate(values))
    for include in task.matrix.include if task.matrix else ():
        texts_ = [param.value for param in include.params if isinstance(param.value, str)]
        yield from ((at(path, "matrix.include.params"), text, False) for text in texts_)
    for index, when in enumerate(task.when):
        yield at(path, "when", index, "input"), when.input, False
        for one in when.values:
            reference = whole(one)
            yield at(path, "when", index, "values"), one, reference is not None and reference.index == "*"


def _param_problem(text: str, known: Mapping[str, ParamSpec], *, takes_array: bool) -> str:
    """What is wrong with the params in a text; empty if nothing is."""
    if "$(params" not in text:
        return ""
    is_whole = whole(text) is not None
    for reference in in_value(text):
        if reference.parts[0] != "params":
            continue
        spec, is_entire = known.get(reference.parts[1]), not isinstance(reference.index, int)
        if spec is None:
            return "non-existent variable"
        if spec.type == "object":
            if len(reference.parts) > 2:
                if reference.parts[2] not in (spec.properties or {}):
                    return "non-existent variable"
            elif not (takes_array and is_whole and reference.index == "*"):
                return "variable type invalid"
        elif spec.type == "array" and is_entire:
            if not takes_array:
                return "variable type invalid"
            if not is_whole:
                return "variable is not properly isolated"
    return ""


def _check_matrix_results(found: Findings, path: str, tasks: Sequence[PipelineTask]) -> None:
    """Results of a matrix are used as a whole list, and are strings.

    Source: validateTaskResultsFromMatrixedPipelineTasksConsumed.
    """
    of_matrix = {task.name: task for task in tasks if task.matrix and (task.matrix.params or task.matrix.include)}
    refs = [
        ref
        for task in (tasks if of_matrix else ())
        for one in in_value([param.value for param in task.params])
        if (ref := result_ref(one)) and ref.task in of_matrix
    ]
    parts = [ref.reference.expression for ref in refs if ref.reference.index != "*"]
    for expression in parts:
        start = "A matrixed pipelineTask can only be consumed in aggregate using [*] notation, but is currently set to "
        found.add(start + expression, "")
    for ref in refs if not parts else ():
        embedded = of_matrix[ref.task].task_spec
        for result in embedded.results if embedded else ():
            if result.name == ref.result and result.type != "string":
                start = "Matrixed PipelineTasks emitting results must have an underlying type string, but result "
                found.invalid(f"{start}{ref.result} has type {result.type} in pipelineTask", path)
