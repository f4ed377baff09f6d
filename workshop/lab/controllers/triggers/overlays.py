r"""Sets a value at a dotted path of an object, like sjson: `a.b`, `list.0`, `list.-1` to append, `a\.b` for a dot."""

from __future__ import annotations

import re
from typing import Any

_PART = re.compile(r"((?:\\.|[^.\\])*)(?:\.|$)")
MAX_INDEX = 1000
"""Limit of a list's length that a number in a path can cause."""


def put(target: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """The object with the value at the path; missing objects and lists are created. Raises ValueError."""
    if not path:
        raise ValueError("path cannot be empty")
    parts = [re.sub(r"\\(.)", r"\1", part) for part in _parts(path)]
    found: dict[str, Any] = _put(target, parts, value)
    return found


def _parts(path: str) -> list[str]:
    parts, at = [], 0
    while at <= len(path):
        match = _PART.match(path, at)
        if match is None:
            break
        parts.append(match.group(1))
        if match.end() == len(path) and not match.group(0).endswith("."):
            break
        at = match.end()
    return parts


def _put(target: Any, parts: list[str], value: Any) -> Any:
    if not parts:
        return value
    head, rest = parts[0], parts[1:]
    if isinstance(target, list):
        return _put_item(target, head, rest, value)
    made = dict(target) if isinstance(target, dict) else {}
    made[head] = _put(made.get(head), rest, value)
    return made


def _put_item(target: list[Any], head: str, rest: list[str], value: Any) -> list[Any]:
    if head == "-1":
        return [*target, _put(None, rest, value)]
    if not head.isdecimal() or int(head) > MAX_INDEX:
        raise ValueError(f"cannot set array element for non-numeric key {head!r}")
    made = [*target, *([None] * (int(head) + 1 - len(target)))]
    made[int(head)] = _put(made[int(head)], rest, value)
    return made
