"""Glob patterns as the Go library gobwas/glob has them, when it knows no separators: `*` also matches `/`."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from workshop.manifests.patterns import PatternError, compiled


def matches(pattern: str, text: str) -> bool:
    """Whether a pattern matches a whole text. Raises PatternError."""
    return _compiled(pattern).fullmatch(text) is not None


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> Any:
    parts: list[str] = []
    depth = index = 0
    while index < len(pattern):
        char = pattern[index]
        index += 1
        if char == "*":
            if parts[-1:] != [".*"]:
                parts.append(".*")
        elif char == "?":
            parts.append(".")
        elif char == "[":
            end = pattern.find("]", index + 1)
            if end < 0:
                raise PatternError(f"{pattern!r}: a class has no ]")
            parts.append(_class(pattern[index:end]))
            index = end + 1
        elif char == "{":
            depth += 1
            parts.append("(?:")
        elif char == "}" and depth:
            depth -= 1
            parts.append(")")
        elif char == "," and depth:
            parts.append("|")
        else:
            if char == "\\" and index < len(pattern):
                char = pattern[index]
                index += 1
            parts.append(re.escape(char))
    if depth:
        raise PatternError(f"{pattern!r}: a list of alternatives has no }}")
    return compiled(f"(?s){''.join(parts)}")


def _class(text: str) -> str:
    negated, content = text.startswith("!"), text.removeprefix("!")
    if len(content) == 3 and content[1] == "-":
        escaped = f"{re.escape(content[0])}-{re.escape(content[2])}"
    else:
        escaped = re.escape(content)
    return f"[{'^' if negated else ''}{escaped}]"
