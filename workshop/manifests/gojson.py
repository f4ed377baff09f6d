"""Go's JSON package: its names of types and its error messages."""

from __future__ import annotations

import json
from typing import Any


def go_type(value: Any) -> str:
    """The name of a value's type in Go's JSON package."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, str):
        return "string"
    if isinstance(value, int | float):
        return "number"
    return {dict: "object", list: "array", type(None): "null"}.get(type(value), "value")


def json_error(raw: bytes) -> str:
    """The error message of Go's JSON package for a text that is not JSON."""
    text = raw.decode("utf-8", "replace")
    try:
        json.loads(text)
    except RecursionError:
        return "exceeded max depth"
    except json.JSONDecodeError as e:
        if e.pos >= len(text.rstrip()) or "Unterminated" in e.msg:
            return "unexpected end of JSON input"
        before = text[: e.pos]
        innermost = _open_bracket(before)
        context = {
            "Expecting property name": "looking for beginning of object key string",
            "Expecting value": "looking for beginning of value",
            "Expecting ':'": "after object key",
            "Extra data": "after top-level value",
            "Expecting ','": "after array element" if innermost == "[" else "after object key:value pair",
            "Invalid control": "in string literal",
            "Invalid \\": "in string escape code",
        }
        for start, words in context.items():
            if e.msg.startswith(start):
                return f"invalid character {text[e.pos]!r} {words}"
    except ValueError:
        pass  # a number with more digits than Python reads
    return "a number or a character is out of range"


def _open_bracket(text: str) -> str:
    stack: list[str] = []
    quoted = escaped = False
    for char in text:
        if quoted:
            quoted, escaped = escaped or char != '"', char == "\\" and not escaped
        elif char == '"':
            quoted = True
        elif char in "[{":
            stack.append(char)
        elif char in "]}" and stack:
            stack.pop()
    return stack[-1] if stack else ""
