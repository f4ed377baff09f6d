"""Puts StepActions in the place of the steps that refer to them.

A StepAction sees only its own params: the step's values, which may refer to the Task's, then its defaults
(docs/stepactions.md of tektoncd/pipeline).
"""

from __future__ import annotations

from typing import Any

import msgspec

from workshop.lab.controllers.tekton.conditions import RunError
from workshop.lab.controllers.tekton.params import ParamProblem, Values, values
from workshop.lab.controllers.tekton.resolvers import find
from workshop.lab.kinds import Object
from workshop.lab.store import Store
from workshop.manifests.tekton import Param, ParamSpec, Step, StepActionSpec
from workshop.manifests.tekton.references import Variables, replaced_tree, replaced_value

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


def resolved(store: Store, namespace: str, spec: Object, outer: Values) -> Object:
    """A Task's spec without references to StepActions. Raises RunError."""
    if not any(step.get("ref") for step in spec.get("steps") or []):
        return spec
    return {**spec, "steps": [_resolve(store, namespace, step, outer) for step in spec["steps"]]}


def _resolve(store: Store, namespace: str, raw: Object, outer: Values) -> Object:
    step = msgspec.convert(raw, Step)
    if step.ref is None:
        return raw
    found = find(
        store, "StepAction", namespace, step.ref.name, step.ref.resolver, step.ref.params,
        reason="TaskRunResolutionFailed",
    )  # fmt: skip
    action = msgspec.convert(found.spec, StepActionSpec)
    own = _values(step, action, outer)
    body = {key: found.spec[key] for key in _FIELDS if key in found.spec}
    body = replaced_tree(body, Variables(own), skip=frozenset({"results"}))
    kept: dict[str, Any] = {key: one for key, one in raw.items() if key not in ("ref", "params")}
    return {**kept, **body}


def _values(step: Step, action: StepActionSpec, outer: Values) -> Values:
    lookup = Variables(outer)
    given = [Param(name=param.name, value=replaced_value(param.value, lookup)) for param in step.params]
    specs: list[ParamSpec] = action.params
    unknown = [param.name for param in given if param.name not in {spec.name for spec in specs}]
    if unknown:
        raise RunError("TaskRunValidationFailed", f"extra params passed by Step to StepAction: [{' '.join(unknown)}]")
    try:
        return values(specs, given, {}, pass_on=False)
    except ParamProblem as e:
        what = {
            "missing": "non-existent params in Step",
            "type": "param types don't match",
            "keys": "missing keys",
        }
        raise RunError("TaskRunValidationFailed", f"{what.get(e.kind, e.kind)}: {e.names}") from e
