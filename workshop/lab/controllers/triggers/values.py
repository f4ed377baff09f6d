"""The values that bindings take from an event: text with `$(JSONPath)` in it.

A value is inserted into the template's JSON text, so it is JSON without the outer quotes, as in Triggers
(`pkg/template/jsonpath.go`): a string is escaped, a list or an object is JSON, null is `null`. Numbers are Go's
float64, which print as 1.234567e+06 from a million on.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from workshop.manifests.jsonpath import PathError, find
from workshop.manifests.triggers import BindingParam, TemplateParam

_RELAXED = re.compile(r"^\{\.?([^{}]+)\}$|^\.?([^{}]+)$")
_OPEN_END = re.compile(r"\[\s*\?|\[\s*\*\s*\]|\.\*|\.\.|\[[^\]]*[:,][^\]]*\]")
_FILTER = re.compile(r"\[\s*\?|\.\.|\[[^\]]*[:,][^\]]*\]")


class MissingValue(ValueError):
    """A path of a binding is not in the event, and the template has no default."""


def resolve(
    params: Sequence[BindingParam], declared: Sequence[TemplateParam], parts: Mapping[str, Any]
) -> dict[str, str]:
    """The values for a template by name: its defaults, overridden by the bindings.

    Raises MissingValue, ValueError (a parameter given twice).
    """
    values = {one.name: one.default for one in declared if one.default is not None}
    defaults = dict(values)
    seen: set[str] = set()
    for param in params:
        if param.name in seen:
            raise ValueError(f"duplicate param name: {param.name}")
        seen.add(param.name)
        values[param.name] = _filled(param, defaults.get(param.name), parts)
    return values


def _filled(param: BindingParam, default: str | None, parts: Mapping[str, Any]) -> str:
    text = param.value
    for expression in expressions(param.value):
        try:
            value = at(expression, parts)
        except (MissingValue, PathError) as e:
            if default is None:
                raise MissingValue(
                    f"failed to replace JSONPath value for param {param.name}: {param.value}: {e}"
                ) from e
            value = default
        text = text.replace(f"$({expression})", value)
    return text


def expressions(text: str) -> Iterator[str]:
    """The content of each `$(...)` of a text, with nested parentheses; an unclosed one is ignored."""
    for piece in text.split("$(")[1:]:
        depth = 0
        for index, char in enumerate(piece):
            depth += {"(": 1, ")": -1}.get(char, 0)
            if depth < 0:
                yield piece[:index]
                break


def at(expression: str, parts: Mapping[str, Any]) -> str:
    """The text of the values at a path such as `body.commits[0].id`. Raises MissingValue, PathError."""
    match = _RELAXED.match(expression)
    if not match:
        raise PathError(
            "unexpected path string, expected a 'name1.name2' or '.name1.name2' or '{name1.name2}' or '{.name1.name2}'"
        )
    path = "." + (match.group(1) or match.group(2))
    found = find(path, parts)
    if not found and _must_be_there(path, parts):
        raise MissingValue(f"{path.rpartition('.')[2] or path} is not found")
    return " ".join(text(value) for value in found)


def _must_be_there(path: str, parts: Mapping[str, Any]) -> bool:
    """Whether an empty result of a path is an error. It is not if a filter or a wildcard had no candidates."""
    choice = _OPEN_END.search(path)
    if choice is None:
        return True
    before = find(path[: choice.start()], parts) if choice.start() else [parts]
    if not before:
        return True
    return bool(before[0]) and not _FILTER.search(path)


def text(value: Any) -> str:
    """A value as it is inserted into a template."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)[1:-1]
    if isinstance(value, bool) or value is None:
        return json.dumps(value)
    if isinstance(value, int | float):
        return number(float(value))
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def number(value: float) -> str:
    """A float64 as Go's %v prints it: the shortest digits, with an exponent below 1e-4 and from 1e6 on (strconv)."""
    if value == 0:
        return "0"
    exact = Decimal(repr(value)).normalize()
    power = exact.adjusted()
    if -4 <= power < 6:
        return f"{exact:f}"
    sign, digits, _ = exact.as_tuple()
    first, rest = str(digits[0]), "".join(map(str, digits[1:]))
    return f"{'-' if sign else ''}{first}{'.' + rest if rest else ''}e{'-' if power < 0 else '+'}{abs(power):02d}"
