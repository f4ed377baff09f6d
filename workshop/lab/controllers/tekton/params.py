"""Parameters: the values of a run, the declarations of a spec, and the result of both."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from workshop.manifests.tekton import Param, ParamSpec
from workshop.manifests.tekton.references import (
    Reference,
    Value,
    Variables,
    in_value,
    replaced_value,
)

Values = dict[tuple[str, ...], Value]
"""Values by the parts of their references: ("params", "x")."""


class ParamProblem(Exception):
    """Params do not match their declaration. `kind` is missing, type, keys, enum or index; `names` says which ones."""

    def __init__(self, kind: str, names: str) -> None:
        super().__init__(names)
        self.kind = kind
        self.names = names


def values(
    specs: Sequence[ParamSpec],
    given: Sequence[Param],
    context: Mapping[tuple[str, ...], Value],
    *,
    pass_on: bool,
) -> Values:
    """The values of declared params; with `pass_on`, also those of undeclared params.

    A default may refer to other params and to the context. An object's default fills in missing keys. Raises
    ParamProblem.
    """
    by_name = {param.name: param.value for param in given}
    declared = {spec.name for spec in specs}
    found: Values = {("params", name): v for name, v in by_name.items() if pass_on or name in declared}
    missing = [spec.name for spec in specs if spec.name not in by_name and spec.default is None]
    if missing:
        raise ParamProblem("missing", _names(missing))
    wrong = [s.name for s in specs if s.name in by_name and kind_of(by_name[s.name]) != (s.type or "string")]
    if wrong:
        raise ParamProblem("type", _names(wrong))
    plain: Values = {("params", s.name): s.default for s in specs if s.default is not None}
    lookup = Variables({**plain, **found, **context})
    for spec in specs:
        key = ("params", spec.name)
        if spec.default is not None:
            default = replaced_value(spec.default, lookup)
            if key not in found:
                found[key] = default
            elif isinstance(default, dict):
                own = found[key]
                found[key] = {**default, **own} if isinstance(own, dict) else own
    _check_keys(specs, found)
    return found


def check_indexes(spec: Any, found: Values) -> None:
    """Check that every `$(params.list[3])` of a spec exists. Raises ParamProblem."""
    bad = {reference.text for reference in _indexed(spec) if _is_outside(reference, found)}
    if bad:
        raise ParamProblem("index", _names(sorted(bad)))


def check_enums(specs: Sequence[ParamSpec], given: Sequence[Param]) -> None:
    """Check that each given string is among the values that its param allows. Raises ParamProblem.

    Source: ValidateEnumParam in pkg/reconciler/taskrun/validate_taskrun.go.
    """
    allowed = {spec.name: spec.enum for spec in specs if spec.enum}
    for param in given:
        if isinstance(param.value, str) and param.value and param.value not in allowed.get(param.name, [param.value]):
            raise ParamProblem("enum", f"param `{param.name}` value: {param.value} is not in the enum list")


def kind_of(value: Value) -> str:
    """string, array or object."""
    return "array" if isinstance(value, list) else "object" if isinstance(value, dict) else "string"


def _check_keys(specs: Sequence[ParamSpec], found: Values) -> None:
    lacking = {}
    for spec in specs:
        value = found.get(("params", spec.name))
        if isinstance(value, dict):
            keys = sorted(set(spec.properties or {}) - set(value))
            if keys:
                lacking[spec.name] = keys
    if lacking:
        raise ParamProblem("keys", "map[" + " ".join(f"{n}:{_names(k)}" for n, k in lacking.items()) + "]")


def _indexed(spec: Any) -> Iterator[Reference]:
    return (r for r in in_value(spec) if r.parts[0] == "params" and isinstance(r.index, int))


def _is_outside(reference: Reference, found: Values) -> bool:
    value = found.get(reference.parts)
    return isinstance(value, list) and isinstance(reference.index, int) and reference.index >= len(value)


def _names(names: Sequence[str]) -> str:
    return f"[{' '.join(names)}]"
