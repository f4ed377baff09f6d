"""The rules for Tasks, StepActions and their steps.

Sources: task_validation.go, container_validation.go and result_validation.go of pkg/apis/pipeline/v1 at
v1.12.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence

from workshop.lab.admission.tekton import names
from workshop.lab.admission.tekton.decode import Undecodable
from workshop.lab.admission.tekton.findings import Findings, at
from workshop.lab.admission.tekton.variables import (
    check_arrays,
    check_context,
    check_declared,
    check_params,
    check_values,
)
from workshop.manifests.kubernetes import ResourceRequirements
from workshop.manifests.places import parts
from workshop.manifests.quantities import problem_of
from workshop.manifests.tekton import (
    Param,
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
from workshop.manifests.tekton.when import CelError, check_cel

ON_ERROR = ("continue", "stopAndFail")
CONCISE_OFF = "feature flag enable-concise-resolver-syntax should be set to true to use concise resolver syntax"
_URL = re.compile(r"[\w-]+://*")
ARTIFACTS_OFF = "feature flag enable-artifacts should be set to true to use artifacts feature."
_ARTIFACT = re.compile(r"\$\((?:steps|tasks)\.[^.]+\.(?:inputs|outputs)\.[^.)]+\)")


def check_task(found: Findings, path: str, spec: TaskSpec) -> None:
    """A Task's spec, standing alone or inline; whether its parameters are declared is asked elsewhere."""
    if spec.step_template:
        check_quantities(at(path, "stepTemplate", "computeResources"), spec.step_template.compute_resources)
    for index, step in enumerate(spec.steps):
        check_quantities(at(path, "steps", index, "computeResources"), step.compute_resources)
    for index, sidecar in enumerate(spec.sidecars):
        check_quantities(at(path, "sidecars", index, "computeResources"), sidecar.compute_resources)
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
        # The webhook does not say which one.
        where = at(path, "sidecars")
        if sidecar.name == "tekton-log-results":
            found.add(f"Invalid: cannot use reserved sidecar name {sidecar.name} ", at(where, "name"))
        if not sidecar.image:
            found.missing(at(where, "image"))
        if sidecar.script and sidecar.command:
            found.add("script cannot be used with command", at(where, "script"))
    check_params(found, path, spec.params)
    check_arrays(found, path, spec.steps, spec.params)
    check_context(found, path, spec.steps)
    _check_results(found, path, spec)


def check_step(found: Findings, path: str, step: Step, *, default_image: str = "") -> None:
    """One step."""
    if not found.flags.artifacts and any(map(uses_artifacts, _artifact_texts(step))):
        # The webhook checks nothing else of such a step.
        found.add(ARTIFACTS_OFF, path)
        return
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
    if step.script.strip().startswith("#!win") and found.needs("windows script support", "alpha"):
        found.add("the lab runs no Windows scripts; run it on a cluster with a Windows node", at(path, "script"))
    for config, stream in ((step.stdout_config, "stdout"), (step.stderr_config, "stderr")):
        if config is not None:
            found.needs(f"step {stream} stream support", "alpha")
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
            _check_cel(found, where, one)
        elif one.operator not in ("in", "notin"):
            text = f'operator "{one.operator}" is not recognized. valid operators: in,notin'
            found.invalid(text, where)
        elif not one.values:
            found.invalid("expecting non-empty values field", where)


def _check_cel(found: Findings, path: str, one: WhenExpression) -> None:
    expression = one.cel or ""
    if not found.flags.cel_in_when:
        text = "feature flag enable-cel-in-whenexpression should be set to true to use CEL: "
        found.add(f"{text}{expression} in WhenExpression", path)
    elif one.input or one.operator or one.values:
        shown = f"&{{{one.input} {one.operator} [{' '.join(one.values)}] {expression}}}"
        found.add(f"cel and input+operator+values cannot be set in one WhenExpression: {shown}", "")
    else:
        try:
            check_cel(expression)
        except CelError as e:
            # Tekton's own format: the expression and the reason are in the place of fields.
            found.add("invalid cel expression: %s with err: %s", at(path, expression), at(path, str(e)))


def check_duration(found: Findings, path: str, text: str | None, *, plain: bool = False) -> float | None:
    """A duration's seconds; one below zero is noted. Raises Undecodable for a text that is no duration."""
    if text is None:
        return None
    try:
        seconds = parse_duration(text)
    except ValueError as e:
        raise Undecodable(str(e), parts(path)) from e
    if seconds < 0:
        shown = format_duration(seconds)
        found.invalid(shown if plain else f"{shown} should be >= 0", path)
    return seconds


def check_quantities(path: str, resources: ResourceRequirements | None) -> None:
    """Raises Undecodable for a request or a limit that is no quantity."""
    if resources is None:
        return
    for kind, given in (("limits", resources.limits), ("requests", resources.requests)):
        for name, value in (given or {}).items():
            if problem := problem_of(value):
                raise Undecodable(problem, [*parts(path), kind, name])


def uses_artifacts(text: str) -> bool:
    """Whether a text refers to artifacts of a step or a task. Source: internal/artifactref of tektoncd/pipeline."""
    return "$(step.artifacts.path)" in text or "$(artifacts.path)" in text or bool(_ARTIFACT.search(text))


def _artifact_texts(step: Step) -> list[str]:
    return [step.script, *step.command, *step.args, *(one.value or "" for one in step.env)]


def _check_ref(found: Findings, path: str, step: Step) -> None:
    assert step.ref is not None
    ref = step.ref
    check_reference(found, path, ref.name, ref.resolver, ref.params)
    fields = {"volume_mounts": ("volumeMounts",) * 2, "working_dir": ("working dir", "workingDir")}
    for field in ("image", "command", "args", "script", "working_dir", "env", "volume_mounts", "results"):
        if getattr(step, field):
            what, wire = fields.get(field, (field, field))
            found.add(f"{what} cannot be used with Ref", at(path, wire))


def check_reference(found: Findings, path: str, name: str, resolver: str, params: Sequence[Param]) -> None:
    """The name of an object, or a resolver with its params. Source: validateRef in container_validation.go."""
    like_url = bool(_URL.search(name))
    if params:
        found.needs("resolver params", "beta")
        if name:
            found.both(at(path, "name"), at(path, "params"))
        if not resolver:
            found.missing(at(path, "resolver"))
        check_values(found, path, params)
    if resolver:
        found.needs("resolver", "beta")
        if name and not like_url:
            found.invalid("invalid URI for request", at(path, "name"))
        elif name:
            found.add(CONCISE_OFF, path)
    elif name and not params:
        if like_url:
            found.add(CONCISE_OFF, path)
            found.missing(at(path, "resolver"))
        elif not names.is_qualified(name):
            found.invalid(names.QUALIFIED_RULE, at(path, "name"))
    elif not name and not params:
        found.missing(at(path, "name"))


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
        if used:
            found.needs(f"{kind.removesuffix('s')} workspaces", "beta")
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
