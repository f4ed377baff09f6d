"""JSON as values of CEL and back, and CEL's errors in the words of the runtime on a cluster (cel-go)."""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Mapping
from typing import Any

_WORDS = (
    (re.compile(r'Key not found in map : "?(.*?)"?$'), r"no such key: \1"),
    (re.compile(r"No matching overloads found .*"), "no such overload"),
    (re.compile(r"Index error: index=(-?\d+) .*"), r"index out of bounds: \1"),
    (re.compile(r"divide by zero$"), "division by zero"),
)


class ExpressionError(ValueError):
    """An expression does not parse, has wrong types, or fails for this event."""


def doubles(value: Any) -> Any:
    """JSON with numbers as doubles, as Go decodes it."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return float(value)
    if isinstance(value, Mapping):
        return {str(key): doubles(one) for key, one in value.items()}
    return [doubles(one) for one in value] if isinstance(value, list | tuple) else value


def as_json(value: Any) -> Any:
    """A value as JSON text."""
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ExpressionError(f"failed to convert the result to JSON: {value}")
        return int(value) if value == int(value) and abs(value) < 1e21 else value
    if isinstance(value, bytes | bytearray):
        return base64.b64encode(value).decode()
    if isinstance(value, Mapping):
        return {str(key): as_json(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(one) for one in value]
    return value if isinstance(value, str | int | bool | None) else str(value)


def in_go(text: str) -> str:
    """The runtime's error message in the words of the runtime on a cluster, where they are known."""
    for pattern, words in _WORDS:
        if match := pattern.match(text):
            return match.expand(words)
    return text


def first_line(text: str) -> str:
    """The first line of a message, without the library's prefix."""
    lines = text.strip().splitlines() or [""]
    return re.sub(r"^(?:[A-Z_]+: )?(?:ERROR: )?", "", lines[0])
