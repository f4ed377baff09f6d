"""Checks that what steps refer to is declared: parameters, context, results."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from workshop.lab.admission.tekton.findings import Findings, at
from workshop.lab.admission.tekton.names import OBJECT_PARAM, OBJECT_RULE, PARAM, PARAM_RULE
from workshop.manifests.tekton import Param, ParamSpec, PropertySpec, Step
from workshop.manifests.tekton.references import Reference, references, whole

TASK_RUN_CONTEXT = frozenset({"name", "namespace", "uid"})
TASK_CONTEXT = frozenset({"name", "retry-count"})


def step_texts(step: Step) -> Iterator[tuple[str, str]]:
    """The fields of a step that may hold references, with their paths in it."""
    yield "name", step.name
    yield "image", step.image
    yield "workingDir", step.working_dir
    yield "script", step.script
    for index, text in enumerate(step.command):
        yield at("command", index), text
    for index, text in enumerate(step.args):
        yield at("args", index), text
    for env in step.env:
        yield at("env", f"[{env.name}]"), env.value or ""
    for index, mount in enumerate(step.volume_mounts):
        yield at("volumeMounts", index, "name"), mount.name
        yield at("volumeMounts", index, "mountPath"), mount.mount_path
        yield at("volumeMounts", index, "subPath"), mount.sub_path or ""
    yield "onError", step.on_error


def check_declared(found: Findings, path: str, steps: Sequence[Step], params: Sequence[ParamSpec]) -> None:
    """Every `$(params.x)` names a parameter, and a key of an object one of its properties."""
    known = {param.name: param for param in params}
    for index, step in enumerate(steps):
        for field, text in step_texts(step):
            for name, reference in _params_in(text):
                where = at(path, "steps", index, field)
                spec = known.get(name)
                if spec is None:
                    found.add(f'non-existent variable in "{escaped(text)}"', where)
                elif spec.type == "object":
                    _check_key(found, where, text, spec, reference)
    for param in params:
        if param.type == "object" and param.properties is None:
            found.missing(at(path, f"{param.name}.properties"))


def check_arrays(found: Findings, path: str, steps: Sequence[Step], params: Sequence[ParamSpec]) -> None:
    """A reference to a whole list must be an item of `args` or `command`, without other text."""
    arrays = {param.name for param in params if param.type == "array"}
    for index, step in enumerate(steps):
        for field, text in step_texts(step):
            for name, reference in _params_in(text):
                if name not in arrays or isinstance(reference.index, int):
                    continue
                where = at(path, "steps", index, field)
                if not field.startswith(("args", "command")):
                    found.add(f'variable type invalid in "{escaped(text)}"', where)
                elif whole(text) is None:
                    found.add(f'variable is not properly isolated in "{escaped(text)}"', where)


def check_context(found: Findings, path: str, steps: Sequence[Step]) -> None:
    """`$(context.task.x)` and `$(context.taskRun.x)` name something that there is."""
    known = {"taskRun": TASK_RUN_CONTEXT, "task": TASK_CONTEXT}
    for index, step in enumerate(steps):
        for field, text in step_texts(step):
            for reference in references(text):
                parts = reference.parts
                if parts[0] == "context" and len(parts) == 3 and parts[2] not in known.get(parts[1], {parts[2]}):
                    found.add(f'non-existent variable in "{escaped(text)}"', at(path, "steps", index, field))


def check_params(found: Findings, path: str, params: Sequence[ParamSpec]) -> None:
    """Types, defaults and names of declared parameters. `path` is that of their owner."""
    seen = set[str]()
    for param in params:
        if param.type not in ("string", "array", "object"):
            found.invalid(param.type, at(path, "params", f"{param.name}.type"))
        elif param.default is not None and type_of(param.default) != param.type:
            found.add(
                f'"{param.type}" type does not match default value\'s type: "{type_of(param.default)}"',
                at(path, "params", f"{param.name}.type"),
                at(path, "params", f"{param.name}.default.type"),
            )
        wrong = [key for key, one in (param.properties or {}).items() if one.type != "string"]
        if wrong:
            found.add(
                f"The value type specified for these keys [{' '.join(wrong)}] is invalid",
                at(path, "params", f"{param.name}.properties"),
            )
        if param.name in seen:
            found.add("parameter appears more than once", at(path, f"params[{param.name}]"))
        seen.add(param.name)
        _check_enum(found, at(path, f"params[{param.name}]"), param)
    bad = sorted(p.name for p in params if p.type != "object" and not PARAM.fullmatch(p.name))
    if bad:
        found.add(
            f"The format of following array and string variable names is invalid: [{' '.join(bad)}]",
            at(path, "params"),
            details=PARAM_RULE,
        )
    for param in params:
        if param.type == "object":
            keys = [key for key in param.properties or {} if not OBJECT_PARAM.fullmatch(key)]
            if keys or not OBJECT_PARAM.fullmatch(param.name):
                found.add(
                    f"Object param name and key name format is invalid: map[{param.name}:[{' '.join(keys)}]]",
                    at(path, "params"),
                    details=OBJECT_RULE,
                )


def _check_enum(found: Findings, path: str, param: ParamSpec) -> None:
    if not param.enum:
        return
    if not found.flags.param_enum:
        found.add("feature flag `enable-param-enum` should be set to true to use Enum", path)
    if param.type != "string":
        found.add("enum can only be set with string type param", path)
    for value in sorted({one for one in param.enum if param.enum.count(one) > 1}):
        found.add(f"parameter enum value {value} appears more than once", path)
    if isinstance(param.default, str) and param.default and param.default not in param.enum:
        found.add(f"param default value {param.default} not in the enum list", path)


def check_values(found: Findings, path: str, params: Sequence[Param]) -> None:
    """No value is given twice."""
    seen = set[str]()
    for param in params:
        if param.name.lower() in seen:
            found.both(at(path, "params", f"[{param.name}].name"))
        seen.add(param.name.lower())


def type_of(value: object) -> str:
    """string, array or object."""
    return "array" if isinstance(value, list) else "object" if isinstance(value, dict) else "string"


def combined(given: Sequence[Param], *declared: Sequence[ParamSpec]) -> list[ParamSpec]:
    """The parameters that inline specs see: those declared, and those a run passes on undeclared."""
    specs: dict[str, ParamSpec] = {}
    for param in given:
        value = param.value
        properties = {key: PropertySpec(type="string") for key in value} if isinstance(value, dict) else None
        specs[param.name] = ParamSpec(name=param.name, type=type_of(value), properties=properties)
    for group in declared:
        for spec in group:
            known = specs.get(spec.name)
            specs[spec.name] = _with_keys_of(known, spec) if known else spec
    return list(specs.values())


def _with_keys_of(outer: ParamSpec, spec: ParamSpec) -> ParamSpec:
    """A declaration whose object also has the keys of the one around it. Source: appendPipelineTaskParams."""
    if outer.properties is None or spec.type not in (None, "object"):
        return spec
    return msgspec.structs.replace(spec, properties={**outer.properties, **(spec.properties or {})})


def _params_in(text: str) -> Iterator[tuple[str, Reference]]:
    if "params" not in text:
        return
    for reference in references(text):
        if reference.parts[0] == "params":
            yield reference.parts[1], reference
        elif reference.parts[:2] == ("inputs", "params") and len(reference.parts) > 2:
            yield reference.parts[2], reference


def _check_key(found: Findings, where: str, text: str, spec: ParamSpec, reference: Reference) -> None:
    if len(reference.parts) > 2 and reference.parts[2] not in (spec.properties or {}):
        found.add(f'non-existent variable in "{escaped(text)}"', where)
    elif len(reference.parts) == 2:
        found.add(f'variable type invalid in "{escaped(text)}"', where)


def escaped(text: str) -> str:
    """The text as Go's %q writes it."""
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
