"""Merge patches (RFC 7386), and the three-way merge of `oc apply`.

Both leave their inputs as they are. JSON patches are in `workshop.manifests.jsonpatch`, strategic patches in
`workshop.manifests.strategic`: those need the schemas, which take long to import.
"""

from __future__ import annotations

import copy
from typing import Any

Json = Any


class PatchError(ValueError):
    """The patch cannot be read, or does not fit the object."""


# -- merge patch -------------------------------------------------------------------------------------------


def merge(target: Json, patch: Json) -> Json:
    """RFC 7386: null deletes, maps merge, everything else replaces."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge(result.get(key), value)
    return result


def difference(old: Json, new: Json) -> dict[str, Any]:
    """The merge patch that makes `new` out of `old`; empty when they are equal."""
    patch: dict[str, Any] = {key: None for key in old if key not in new}
    for key, value in new.items():
        if key not in old:
            patch[key] = value
        elif isinstance(value, dict) and isinstance(old[key], dict):
            inner = difference(old[key], value)
            if inner:
                patch[key] = inner
        elif value != old[key] or type(value) is not type(old[key]):
            patch[key] = value
    return patch


def three_way(original: Json, modified: Json, current: Json) -> dict[str, Any]:
    """`oc apply`'s patch: from `current` to `modified`, deleting only what `original` had."""
    return _combine(_additions(current, modified), _deletions(original, modified))


def _additions(current: Json, modified: Json) -> dict[str, Any]:
    patch: dict[str, Any] = {}
    for key, value in modified.items():
        if value is None:
            continue
        there = current.get(key)
        if isinstance(value, dict) and isinstance(there, dict):
            inner = _additions(there, value)
            if inner:
                patch[key] = inner
        elif key not in current or value != there:
            patch[key] = value
    return patch


def _deletions(original: Json, modified: Json) -> dict[str, Any]:
    patch: dict[str, Any] = {}
    for key, value in original.items():
        if key not in modified or modified[key] is None:
            patch[key] = None
        elif isinstance(value, dict) and isinstance(modified[key], dict):
            inner = _deletions(value, modified[key])
            if inner:
                patch[key] = inner
    return patch


def _combine(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    result = dict(one)
    for key, value in other.items():
        mine = result.get(key)
        result[key] = _combine(mine, value) if isinstance(mine, dict) and isinstance(value, dict) else value
    return result
