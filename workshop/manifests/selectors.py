"""Label and field selectors: `app=flights,tier in (a,b),!canary` and `metadata.name=x,status.phase!=Failed`."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

Labels = dict[str, str]
Match = Callable[[Labels], bool]


class SelectorError(ValueError):
    """The selector cannot be parsed."""


_SPLIT = re.compile(r",(?![^()]*\))")
_SET = re.compile(r"^(?P<key>[^\s!=<>,()]+)\s+(?P<op>in|notin)\s*\((?P<values>[^()]*)\)$")
_PAIR = re.compile(r"^(?P<key>[^\s!=<>,()]+)\s*(?P<op>==|!=|=|>|<)\s*(?P<value>[^\s!=<>,()]*)$")
_BARE = re.compile(r"^(?P<not>!\s*)?(?P<key>[^\s!=<>,()]+)$")


@lru_cache(maxsize=256)
def labels(selector: str) -> Match:
    """A test of an object's labels. Raises SelectorError with the API server's message."""
    tests = [_label_test(part.strip(), selector) for part in _SPLIT.split(selector)] if selector.strip() else []
    return lambda found: all(test(found) for test in tests)


def _label_test(part: str, selector: str) -> Match:
    if match := _SET.match(part):
        key, values = match["key"], {v.strip() for v in match["values"].split(",")}
        if match["op"] == "in":
            return lambda found: found.get(key) in values
        return lambda found: found.get(key) not in values
    if match := _PAIR.match(part):
        key, op, value = match["key"], match["op"], match["value"]
        if op in ("=", "=="):
            return lambda found: found.get(key) == value
        if op == "!=":
            return lambda found: found.get(key) != value
        if not re.fullmatch(r"-?\d+", value):
            raise SelectorError(f'for "Gt", "Lt" operators, the value must be an integer: {value!r}')
        bound, sign = int(value), 1 if op == ">" else -1
        return lambda found: (n := _number(found.get(key))) is not None and sign * (n - bound) > 0
    if match := _BARE.match(part):
        key, absent = match["key"], bool(match["not"])
        return lambda found: (key in found) != absent
    raise SelectorError(
        f"unable to parse requirement: found {part!r} in {selector!r}, expected: "
        "key=value, key!=value, key in (a,b), key notin (a,b), key, !key"
    )


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and re.fullmatch(r"-?\d+", text) else None


@lru_cache(maxsize=256)
def fields(selector: str) -> tuple[tuple[str, str, bool], ...]:
    """Field, value and whether they must be equal, for each part. Raises SelectorError."""
    found: list[tuple[str, str, bool]] = []
    for part in filter(None, (one.strip() for one in selector.split(","))):
        match = re.match(r"^([^=!]+?)\s*(==|!=|=)\s*(.*)$", part)
        if not match:
            raise SelectorError(f'invalid selector: "{selector}"; can\'t understand "{part}"')
        found.append((match[1], match[3], match[2] != "!="))
    return tuple(found)
