"""Merge patches (RFC 7386), JSON patches (RFC 6902), and the three-way merge of `oc apply`.

All leave their inputs as they are. Strategic patches are in `workshop.manifests.strategic`: they need the schemas,
which take long to import.
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


# -- JSON patch --------------------------------------------------------------------------------------------


def apply_json(target: Json, patch: Json) -> Json:
    """RFC 6902: a list of add, remove, replace, move, copy and test. Raises PatchError."""
    if not isinstance(patch, list) or not all(isinstance(step, dict) for step in patch):
        raise PatchError("a JSON patch is a list of objects with op and path")
    result = copy.deepcopy(target)
    for step in patch:
        op, path = step.get("op"), step.get("path")
        if not isinstance(path, str):
            raise PatchError(f"operation {op!r} has no path")
        if op in ("add", "replace", "test") and "value" not in step:
            raise PatchError(f"{op} operation does not apply: doc is missing value: {path}")
        if op == "add":
            result = _put(result, path, copy.deepcopy(step["value"]), insert=True)
        elif op == "replace":
            _at(result, path, op)
            result = _put(result, path, copy.deepcopy(step["value"]), insert=False)
        elif op == "remove":
            result = _cut(result, path)
        elif op == "test":
            if _at(result, path, op) != step["value"]:
                raise PatchError(f"testing value {path} failed")
        elif op in ("move", "copy"):
            value = copy.deepcopy(_at(result, str(step.get("from")), op))
            if op == "move":
                result = _cut(result, str(step["from"]))
            result = _put(result, path, value, insert=True)
        else:
            raise PatchError(f"unexpected kind of operation: {op}")
    return result


def pointer(path: str) -> list[str]:
    """The parts of a JSON pointer (RFC 6901). Raises PatchError."""
    if path == "":
        return []
    if not path.startswith("/"):
        raise PatchError(f"path {path!r} does not start with /")
    return [part.replace("~1", "/").replace("~0", "~") for part in path[1:].split("/")]


def _index(part: str, length: int, path: str) -> int:
    if part == "-":
        return length
    if not part.isdigit() or int(part) > length:
        raise PatchError(f"invalid array index {part!r} in path {path!r}")
    return int(part)


def _at(value: Json, path: str, op: Any) -> Json:
    for part in pointer(path):
        missing = f"{op} operation does not apply: doc is missing key: {path}: missing value"
        if isinstance(value, list):
            index = _index(part, len(value), path)
            if index >= len(value):
                raise PatchError(missing)
            value = value[index]
        elif isinstance(value, dict) and part in value:
            value = value[part]
        else:
            raise PatchError(missing)
    return value


def _parent(value: Json, path: str, op: str) -> tuple[Json, str]:
    parts = pointer(path)
    holder = _at(value, path.rpartition("/")[0], op)
    if not isinstance(holder, dict | list):
        raise PatchError(f"{op} operation does not apply: doc is missing path: {path}: missing value")
    return holder, parts[-1]


def _put(root: Json, path: str, value: Json, *, insert: bool) -> Json:
    if path == "":
        return value
    holder, last = _parent(root, path, "add" if insert else "replace")
    if isinstance(holder, dict):
        holder[last] = value
    elif insert:
        holder.insert(_index(last, len(holder), path), value)
    else:
        holder[_index(last, len(holder) - 1, path)] = value
    return root


def _cut(root: Json, path: str) -> Json:
    _at(root, path, "remove")
    if path == "":
        return None
    holder, last = _parent(root, path, "remove")
    if isinstance(holder, dict):
        del holder[last]
    else:
        del holder[_index(last, len(holder) - 1, path)]
    return root
