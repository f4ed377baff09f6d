"""Parse only the fields of a stored object that its Table shows.

`oc get` of a thousand runs must not parse a thousand statuses. A run's status is nine tenths of its bytes, and the
columns read three of its fields. The rest stays text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache

import msgspec
import orjson

from workshop.lab.records import fields as _fields
from workshop.manifests.objects import Object

_NAME = r"[\w-]+(?![\w\\-])"
"""Matches a plain field name. A name that continues with an escaped dot does not match: its parent is parsed whole."""
_ROOTS = re.compile(rf"\{{?\.(?P<first>{_NAME})(?:\.(?P<second>{_NAME}))?")


@lru_cache(maxsize=256)
def reader(paths: tuple[str, ...]) -> Callable[[bytes], Object]:
    """A function that reads an object's metadata and the fields at the start of the JSONPaths `paths` from its JSON.

    If a path does not start with a field, the function returns the whole object.
    """
    matches = [_ROOTS.match(path) for path in paths]
    if not all(matches):
        return orjson.loads
    wanted: dict[str, set[str] | None] = {"metadata": None}
    for match in filter(None, matches):
        first, second = match["first"], match["second"]
        known = wanted.setdefault(first, set())
        if second is None:
            wanted[first] = None
        elif known is not None:
            known.add(second)

    def read(body: bytes) -> Object:
        fields = _fields(body)
        return {first: _part(fields[first], seconds) for first, seconds in wanted.items() if first in fields}

    return read


def _part(raw: msgspec.Raw, seconds: Iterable[str] | None) -> object:
    text = memoryview(raw)
    if seconds is None or bytes(text[:1]) != b"{":
        return orjson.loads(text)
    fields = _fields(text)
    return {second: orjson.loads(memoryview(fields[second])) for second in seconds if second in fields}
