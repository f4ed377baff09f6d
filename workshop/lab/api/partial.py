"""Of a stored object, parse only what its Table shows: `oc get` of a thousand runs must not read a thousand statuses.

A run's status is nine tenths of its bytes and its columns look at three of its fields. The rest stays text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache

import msgspec
import orjson

from workshop.lab.kinds import Object

_NAME = r"[\w-]+(?![\w\\-])"
"""A field whose name goes on with an escaped dot is not taken: then what is around it is read whole."""
_ROOTS = re.compile(rf"\{{?\.(?P<first>{_NAME})(?:\.(?P<second>{_NAME}))?")
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])


@lru_cache(maxsize=256)
def reader(paths: tuple[str, ...]) -> Callable[[bytes], Object]:
    """A function from an object's JSON to the object with its metadata and what the JSONPaths `paths` start at.

    Whole objects come out where a path does not start at a field.
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
        fields = _fields.decode(body)
        return {first: _part(fields[first], seconds) for first, seconds in wanted.items() if first in fields}

    return read


def _part(raw: msgspec.Raw, seconds: Iterable[str] | None) -> object:
    text = memoryview(raw)
    if seconds is None or bytes(text[:1]) != b"{":
        return orjson.loads(text)
    fields = _fields.decode(text)
    return {second: orjson.loads(memoryview(fields[second])) for second in seconds if second in fields}
