"""Merge patches (RFC 7386), JSON patches (RFC 6902), and the three-way merge of `oc apply`.

All leave their inputs as they are. Strategic patches are in `workshop.manifests.strategic`: they need the schemas,
which take long to import.
"""

from __future__ import annotations

import copy
import json
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
    """A JSON patch: a list of add, remove, replace, move, copy and test. Raises PatchError.

    RFC 6902 as API servers take it, which is laxer: `replace` adds a key that is not there (`tkn pipelinerun cancel`
    counts on it), an index may count from the end, and `test` takes what is not there for null.
    """
    if not isinstance(patch, list) or not all(isinstance(step, dict) for step in patch):
        raise PatchError("a JSON patch is a list of objects with op and path")
    result = copy.deepcopy(target)
    for step in patch:
        result = _step(result, step)
    return result


def _step(root: Json, step: dict[str, Any]) -> Json:
    op, path, value = step.get("op"), step.get("path"), copy.deepcopy(step.get("value"))
    if op not in ("add", "remove", "replace", "move", "copy", "test"):
        raise PatchError(f"Unexpected kind: {op or 'unknown'}")
    if not isinstance(path, str):
        raise PatchError(f"{op} operation failed to decode path: missing value")
    if op in ("move", "copy"):
        source = step.get("from")
        if not isinstance(source, str):
            raise PatchError(f"{op} operation failed to decode from: missing value")
        holder, key = _holder(root, source, op)
        value = copy.deepcopy(_get(holder, key, op, source))
        if op == "move":
            _cut(holder, key, op, source)
    if path == "" and op in ("replace", "test"):
        if op == "test" and not _same(root, value):
            raise PatchError("testing value  failed: test failed")
        return value
    holder, key = _holder(root, path, op)
    if op == "remove":
        _cut(holder, key, op, path)
    elif op == "replace":
        _get(holder, key, op, path)
        holder[key if isinstance(holder, dict) else int(key)] = value
    elif op == "test":
        if not _same(_get(holder, key, op, path), value):
            raise PatchError(f"testing value {path} failed: test failed")
    elif isinstance(holder, dict):
        holder[key] = value
    else:
        holder.insert(len(holder) if key == "-" else _index(holder, key, op, path, slots=len(holder) + 1), value)
    return root


def pointer(path: str) -> list[str]:
    """The parts of a JSON pointer (RFC 6901). Raises PatchError."""
    if path == "":
        return []
    if not path.startswith("/"):
        raise PatchError(f"path {path!r} does not start with /")
    return [part.replace("~1", "/").replace("~0", "~") for part in path[1:].split("/")]


def _holder(root: Json, path: str, op: str) -> tuple[Json, str]:
    """The object or list that a path ends in, and its last part."""
    *parts, last = pointer(path) or [""]
    holder = root if path else None
    for part in parts:
        holder = _get(holder, part, op, path) if isinstance(holder, dict | list) else None
    if not isinstance(holder, dict | list):
        raise PatchError(f'{op} operation does not apply: doc is missing path: "{path}": missing value')
    return holder, last


def _get(holder: Json, key: str, op: str, path: str) -> Json:
    if isinstance(holder, dict):
        return holder.get(key)
    return holder[_index(holder, key, op, path, slots=len(holder))]


def _cut(holder: Json, key: str, op: str, path: str) -> None:
    if isinstance(holder, list):
        del holder[_index(holder, key, op, path, slots=len(holder))]
    elif key in holder:
        del holder[key]
    else:
        raise PatchError(f"error in {op} for path: '{path}': Unable to remove nonexistent key: {key}: missing value")


def _index(holder: list[Json], key: str, op: str, path: str, *, slots: int) -> int:
    try:
        index = int(key)
    except ValueError:
        raise PatchError(f"error in {op} for path: '{path}': value was not a proper array index: '{key}'") from None
    if not -slots <= index < slots:
        raise PatchError(
            f"error in {op} for path: '{path}': Unable to access invalid index: {index}: invalid index referenced"
        )
    return index % slots


def _same(one: Json, other: Json) -> bool:
    """Equal as JSON: true is not 1, and 1 is not 1.0."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
