"""Replaces the steps that refer to StepActions.

A StepAction reads only its own params: the step's values, which may refer to the Task's, then its defaults
(docs/stepactions.md of tektoncd/pipeline).
"""

from __future__ import annotations

from typing import Any

import msgspec

from workshop.lab.controllers.tekton.errors import RunError
from workshop.lab.controllers.tekton.params import ParamProblem, Values, kind_of, values
from workshop.lab.controllers.tekton.resolvers import Waiting, find
from workshop.lab.store import Store
from workshop.manifests.objects import Object
from workshop.manifests.tekton import Param, ParamSpec, Step, StepActionSpec
from workshop.manifests.tekton.references import (
    Reference,
    Value,
    Variables,
    replaced_tree,
    replaced_value,
    whole,
)

_FIELDS = (
    "image",
    "command",
    "args",
    "script",
    "workingDir",
    "env",
    "results",
    "securityContext",
    "volumeMounts",
)


def resolved(store: Store, run: Object, spec: Object, outer: Values) -> Object:
    """A Task's spec without references to StepActions. Raises RunError, Waiting."""
    if not any(step.get("ref") for step in spec.get("steps") or []):
        return spec
    return {**spec, "steps": [_resolve(store, run, at, step, outer) for at, step in enumerate(spec["steps"])]}


def _resolve(store: Store, run: Object, at: int, raw: Object, outer: Values) -> Object:
    step = msgspec.convert(raw, Step)
    if step.ref is None:
        return raw
    ref = step.ref
    asked = [Param(name=one.name, value=replaced_value(one.value, Variables(outer))) for one in ref.params]
    try:
        found = find(store, "StepAction", run, ref.name, ref.resolver, asked, reason="TaskRunResolutionFailed")
        action = msgspec.convert(found.spec, StepActionSpec)
        later = _from_earlier_steps(step)
        own = Variables(_values(step, action, outer, later))
    except Waiting as e:
        raise Waiting("StepAction") from e
    except RunError as e:
        raise RunError(e.reason, f'failed to resolve step ref for step "{step.name}" (index {at}): {e.message}') from e

    def lookup(reference: Reference) -> Value | None:
        name = reference.parts[1] if reference.parts[0] == "params" else ""
        return _passed(reference, later[name]) if name in later else own(reference)

    body = {key: found.spec[key] for key in _FIELDS if key in found.spec}
    body = replaced_tree(body, lookup, skip=frozenset({"results"}))
    kept: dict[str, Any] = {key: one for key, one in raw.items() if key not in ("ref", "params")}
    return {**kept, **body}


def _from_earlier_steps(step: Step) -> dict[str, Reference]:
    """The params whose value is a result of an earlier step, which is known only when the step runs."""
    found = {}
    for param in step.params:
        reference = whole(param.value) if isinstance(param.value, str) else None
        if reference and reference.parts[0] == "steps":
            found[param.name] = reference
    return found


def _passed(use: Reference, result: Reference) -> str:
    """The reference that replaces such a param: the same item or key of the result."""
    keys = "".join(f".{part}" for part in use.parts[2:])
    index = f"[{use.index}]" if use.index is not None else ""
    return f"$({'.'.join(result.parts)}{keys}{index})"


def _values(step: Step, action: StepActionSpec, outer: Values, later: dict[str, Reference]) -> Values:
    lookup = Variables(outer)
    given = [
        Param(name=param.name, value=replaced_value(param.value, lookup))
        for param in step.params
        if param.name not in later
    ]
    # A value of another type counts as not given where there is a default: upstream compares no types here.
    types = {spec.name: spec.type or "string" for spec in action.params if spec.default is not None}
    given = [param for param in given if types.get(param.name, kind_of(param.value)) == kind_of(param.value)]
    specs: list[ParamSpec] = [spec for spec in action.params if spec.name not in later]
    known = {spec.name for spec in action.params}
    unknown = [param.name for param in step.params if param.name not in known]
    if unknown:
        raise RunError("TaskRunResolutionFailed", f"extra params passed by Step to StepAction: [{' '.join(unknown)}]")
    try:
        return values(specs, given, {}, pass_on=False)
    except ParamProblem as e:
        what = {
            "missing": "non-existent params in Step",
            "type": "param types don't match",
            "keys": "missing keys",
        }
        raise RunError("TaskRunResolutionFailed", f"{what.get(e.kind, e.kind)}: {e.names}") from e
