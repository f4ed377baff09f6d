"""The rules for Tasks, StepActions and their steps.

Sources: task_validation.go, container_validation.go and result_validation.go of pkg/apis/pipeline/v1 at
v1.12.
"""

from __future__ import annotations

import posixpath
from collections.abc import Sequence

from workshop.lab.admission.tekton import names
from workshop.lab.admission.tekton.findings import Findings, at
from workshop.lab.admission.tekton.variables import (
    check_arrays,
    check_context,
    check_declared,
    check_params,
    check_values,
)
from workshop.manifests.tekton import (
    Step,
    StepActionSpec,
    StepResult,
    TaskResult,
    TaskSpec,
    WhenExpression,
    format_duration,
    parse_duration,
)
from workshop.manifests.tekton.references import references

ON_ERROR = ("continue", "stopAndFail")


def check_task(found: Findings, path: str, spec: TaskSpec) -> None:
    """A Task's spec, standing alone or inline; whether its parameters are declared is asked elsewhere."""
    if not spec.steps:
        found.missing(at(path, "steps"))
    _check_volumes(found, path, spec)
    _check_workspaces(found, path, spec)
    image = spec.step_template.image if spec.step_template else ""
    seen = set[str]()
    for index, step in enumerate(spec.steps):
        check_step(found, at(path, "steps", index), step, default_image=image)
        if step.name and step.name in seen:
            found.both(at(path, "steps", index, "name"))
        seen.add(step.name)
    for sidecar in spec.sidecars:
        if sidecar.name == "tekton-log-results":
            found.add(f"Invalid: cannot use reserved sidecar name {sidecar.name} ", at(path, "sidecars"))
    check_params(found, path, spec.params)
    check_arrays(found, path, spec.steps, spec.params)
    check_context(found, path, spec.steps)
    _check_results(found, path, spec)


def check_step(found: Findings, path: str, step: Step, *, default_image: str = "") -> None:
    """One step."""
    if step.ref is not None:
        _check_ref(found, path, step)
    else:
        if step.params:
            found.add("params cannot be used without Ref", at(path, "params"))
        if not step.image and not default_image:
            found.missing(at(path, "Image"))
        if step.script and step.command:
            found.add("script cannot be used with command", at(path, "script"))
    if step.name and not names.is_label(step.name):
        found.add(f'invalid value "{step.name}"', at(path, "name"), details=names.STEP_RULE)
    check_duration(found, at(path, "negative timeout"), step.timeout, plain=True)
    for index, mount in enumerate(step.volume_mounts):
        if mount.mount_path.startswith("/tekton/") and not mount.mount_path.startswith("/tekton/home"):
            found.add(
                "volumeMount cannot be mounted under /tekton/ "
                f'(volumeMount "{mount.name}" mounted at "{mount.mount_path}")',
                at(path, "volumeMounts", index, "mountPath"),
            )
        if mount.name.startswith("tekton-internal-"):
            found.add(
                f'volumeMount name "{mount.name}" cannot start with "tekton-internal-"',
                at(path, "volumeMounts", index, "name"),
            )
    if step.on_error and step.on_error not in ON_ERROR and not step.on_error.startswith("$(params."):
        found.add(
            f'invalid value: "{step.on_error}"',
            at(path, "onError"),
            details='Task step onError must be either "continue" or "stopAndFail"',
        )
    if step.script.strip().startswith("#!win"):
        found.add(_needs_alpha("windows script support"), at(path, "script"))
    check_when(found, path, step.when)
    _check_result_names(found, path, step.results)


def check_step_action(found: Findings, path: str, spec: StepActionSpec) -> None:
    """A StepAction's spec."""
    if not spec.image:
        found.missing(at(path, "Image"))
    if spec.script:
        if spec.command:
            found.add("script cannot be used with command", at(path, "script"))
        if any(r.parts[0] == "params" for r in references(spec.script)):
            found.add("param substitution in scripts is not allowed.", at(path, "script"))
    check_params(found, path, spec.params)
    step = Step(image=spec.image, command=spec.command, args=spec.args, working_dir=spec.working_dir, env=spec.env)
    in_step = Findings()
    check_declared(in_step, "", [step], spec.params)
    for message, paths in in_step.items():
        found.add(message, *(at(path, one.removeprefix("steps[0].")) for one in paths))
    _check_result_names(found, path, spec.results)


def check_when(found: Findings, path: str, when: Sequence[WhenExpression]) -> None:
    """The `when` of a step or a pipeline task."""
    for index, one in enumerate(when):
        where = at(path, "when", index)
        if one == WhenExpression():
            found.missing(where)
        elif one.cel:
            continue  # refused by the table
        elif one.operator not in ("in", "notin"):
            text = f'operator "{one.operator}" is not recognized. valid operators: in,notin'
            found.invalid(text, where)
        elif not one.values:
            found.invalid("expecting non-empty values field", where)


def check_duration(found: Findings, path: str, text: str | None, *, plain: bool = False) -> float | None:
    """A duration's seconds; one below zero or that cannot be read is noted."""
    if text is None:
        return None
    try:
        seconds = parse_duration(text)
    except ValueError as e:
        found.invalid(e, path)
        return None
    if seconds < 0:
        shown = format_duration(seconds)
        found.invalid(shown if plain else f"{shown} should be >= 0", path)
    return seconds


def _needs_alpha(what: str) -> str:
    return f'{what} requires "enable-api-fields" feature gate to be "alpha" but it is "beta"'


def _check_ref(found: Findings, path: str, step: Step) -> None:
    assert step.ref is not None
    ref = step.ref
    if ref.resolver and ref.name:
        found.both(at(path, "name"), at(path, "resolver"))
    if ref.params and not ref.resolver:
        found.missing(at(path, "resolver"))
    elif not ref.name and not ref.resolver:
        found.missing(at(path, "name"))
    elif ref.name and not names.is_qualified(ref.name):
        found.invalid(names.QUALIFIED_RULE, at(path, "name"))
    check_values(found, path, ref.params)
    for field in ("image", "command", "args", "script", "env", "volume_mounts", "results"):
        if getattr(step, field):
            wire = "volumeMounts" if field == "volume_mounts" else field
            found.add(f"{wire} cannot be used with Ref", at(path, wire))


def _check_volumes(found: Findings, path: str, spec: TaskSpec) -> None:
    seen = set[str]()
    for index, volume in enumerate(spec.volumes):
        if volume.name in seen:
            found.add(f'multiple volumes with same name "{volume.name}"', at(path, "volumes", index, "name"))
        seen.add(volume.name)


def _check_workspaces(found: Findings, path: str, spec: TaskSpec) -> None:
    mounts = {posixpath.normpath(m.mount_path) for step in spec.steps for m in step.volume_mounts}
    if spec.step_template:
        mounts |= {posixpath.normpath(m.mount_path) for m in spec.step_template.volume_mounts}
    seen = set[str]()
    for index, workspace in enumerate(spec.workspaces):
        if workspace.name in seen:
            found.add(f'workspace name "{workspace.name}" must be unique', at(path, "workspaces", index, "name"))
        seen.add(workspace.name)
        mount = posixpath.normpath(workspace.mount_path or f"/workspace/{workspace.name}")
        if mount in mounts:
            found.add(f'workspace mount path "{mount}" must be unique', at(path, "workspaces", index, "mountpath"))
        mounts.add(mount)
    usages = [("steps", i, step.workspaces) for i, step in enumerate(spec.steps)]
    usages += [("sidecars", i, sidecar.workspaces) for i, sidecar in enumerate(spec.sidecars)]
    for kind, index, used in usages:
        for number, usage in enumerate(used):
            if usage.name not in seen:
                where = at(path, kind, index, "workspaces", number, "name")
                found.add(f'undefined workspace "{usage.name}"', where)


def _check_results(found: Findings, path: str, spec: TaskSpec) -> None:
    known = {result.name for result in spec.results}
    for index, step in enumerate(spec.steps):
        own = known | {result.name for result in step.results}
        for reference in references(step.script):
            if reference.parts[0] == "results" and reference.parts[1] not in own:
                text = step.script.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
                found.add(f'non-existent variable in "{text}"', at(path, "steps", index, "script"))
    _check_result_names(found, path, spec.results)


def _check_result_names(found: Findings, path: str, results: Sequence[TaskResult | StepResult]) -> None:
    for index, result in enumerate(results):
        where = at(path, "results", index)
        if not names.is_result(result.name):
            found.add(f'invalid key name "{result.name}"', at(where, "name"), details=names.RESULT_RULE)
        if result.type not in (None, "string", "array", "object"):
            found.add(f"invalid value: {result.type}", at(where, "type"), details="type must be string")
        if result.type == "object" and result.properties is None:
            found.missing(at(where, f"{result.name}.properties"))
        wrong = [key for key, one in (result.properties or {}).items() if one.type != "string"]
        if wrong:
            found.add(
                f"The value type specified for these keys [{' '.join(wrong)}] is invalid, the type must be string",
                at(where, f"{result.name}.properties"),
            )
