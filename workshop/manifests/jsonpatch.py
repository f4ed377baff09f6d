"""JSON patches (RFC 6902), with the behaviour and messages of the library that API servers and kubectl use."""

from __future__ import annotations

import copy
import json
import re
from typing import Any

from workshop.manifests.gojson import go_type
from workshop.manifests.patches import PatchError

Json = Any
MOST_COPIED = 3 * 1024 * 1024
"""Limit of bytes copied by one patch, as in an API server; each copy could double the object."""
MOST_STEPS = 10_000
"""Limit of operations in one patch, as in an API server."""


class UnreadablePatch(PatchError):
    """The input is not a patch, or it is too large."""

    def __init__(self, message: str, *, too_large: bool = False) -> None:
        super().__init__(message)
        self.too_large = too_large


def apply(target: Json, patch: Json) -> Json:
    """Apply a JSON patch as API servers and kubectl do: with gopkg.in/evanphx/json-patch.v4, version 4.12.0.

    It differs from RFC 6902: replace sets a missing member (`tkn pipelinerun cancel` depends on it), copy of a missing
    member gives null, a missing value is null, and -1 is the last index. Raises PatchError, UnreadablePatch.
    """
    if not isinstance(patch, list):
        raise UnreadablePatch(f"json: cannot unmarshal {go_type(patch)} into Go value of type jsonpatch.Patch")
    if len(patch) > MOST_STEPS:
        raise UnreadablePatch(
            f"The allowed maximum operations in a JSON patch is {MOST_STEPS}, got {len(patch)}", too_large=True
        )
    for step in patch:
        if not isinstance(step, dict):
            raise UnreadablePatch(f"json: cannot unmarshal {go_type(step)} into Go value of type jsonpatch.Operation")
    result, copied = copy.deepcopy(target), 0
    for step in patch:
        op = step.get("op") if isinstance(step.get("op"), str) else "unknown"
        match op:
            case "add":
                _add(result, _text(step, op, "path"), copy.deepcopy(step.get("value")))
            case "remove":
                _remove(result, _text(step, op, "path"))
            case "replace":
                result = _replace(result, _text(step, op, "path"), copy.deepcopy(step.get("value")))
            case "test":
                _test(result, _text(step, op, "path"), step)
            case "move":
                value = _source(result, _text(step, op, "from"), op)
                _cut(result, step["from"], "error in move for path: '{key}'")
                _add(result, _text(step, op, "path"), value, op)
            case "copy":
                value = copy.deepcopy(_source(result, _text(step, op, "from"), op))
                copied += len(json.dumps(value, separators=(",", ":")))
                if copied > MOST_COPIED:
                    raise PatchError(
                        f"Unable to complete the copy, the accumulated size increase of copy is {copied}, "
                        f"exceeding the limit {MOST_COPIED}"
                    )
                _add(result, _text(step, op, "path"), value, op)
            case _:
                raise PatchError(f"Unexpected kind: {op}")
    return result


def _unescaped(part: str) -> str:
    return part.replace("~1", "/").replace("~0", "~")


def _text(step: dict[str, Any], op: str, field: str) -> str:
    value = step.get(field)
    if not isinstance(value, str):
        why = "" if field == "path" and op in ("add", "remove", "copy") else f": operation, missing {field} field"
        raise PatchError(f"{op} operation failed to decode {field}{why}: missing value")
    return value


def _holder(root: Json, path: str) -> tuple[Json, str]:
    """The object or list that a path leads into, and the last part of the path; None if the path does not exist."""
    first, *parts = path.split("/")
    if not parts:
        return None, first
    found = root
    for part in parts[:-1]:
        try:
            found = _get(found, _unescaped(part))
        except PatchError:
            return None, ""
        if not isinstance(found, dict | list):
            return None, ""
    return found, _unescaped(parts[-1])


def _get(holder: Json, key: str) -> Json:
    if isinstance(holder, dict):
        return holder.get(key)
    return holder[_index(key, len(holder))]


def _index(key: str, length: int) -> int:
    """The index of an existing item among `length`; a negative one counts from the end."""
    if not re.fullmatch(r"[+-]?[0-9]{1,18}", key):
        raise PatchError(f"strconv.Atoi: parsing {json.dumps(key)}: invalid syntax")
    index = int(key)
    if not -length <= index < length:
        raise PatchError(f"Unable to access invalid index: {index}: invalid index referenced")
    return index % length


def _add(root: Json, path: str, value: Json, op: str = "add") -> None:
    holder, key = _holder(root, path)
    if holder is None:
        shown = json.dumps(path) if op == "add" else path
        raise PatchError(
            f"{op} operation does not apply: doc is missing {'' if op == 'add' else 'destination '}path: "
            f"{shown}: missing value"
        )
    if isinstance(holder, dict):
        holder[key] = value
    elif key == "-":
        holder.append(value)
    else:
        try:
            holder.insert(_index(key, len(holder) + 1), value)
        except PatchError as e:
            where = "error while adding value during copy" if op == "copy" else f"error in {op} for path: '{path}'"
            why = f"value was not a proper array index: '{key}': {e}" if "Atoi" in str(e) else str(e)
            raise PatchError(f"{where}: {why}") from e


def _remove(root: Json, path: str) -> None:
    if _holder(root, path)[0] is None:
        raise PatchError(f"remove operation does not apply: doc is missing path: {json.dumps(path)}: missing value")
    _cut(root, path, "error in remove for path: '{path}'")


def _cut(root: Json, path: str, where: str) -> None:
    holder, key = _holder(root, path)
    try:
        if isinstance(holder, list):
            del holder[_index(key, len(holder))]
        elif key in holder:
            del holder[key]
        else:
            raise PatchError(f"Unable to remove nonexistent key: {key}: missing value")
    except PatchError as e:
        raise PatchError(f"{where.format(path=path, key=key)}: {e}") from e


def _replace(root: Json, path: str, value: Json) -> Json:
    if path == "":
        return value
    holder, key = _holder(root, path)
    if holder is None:
        raise PatchError(f"replace operation does not apply: doc is missing path: {path}: missing value")
    if isinstance(holder, dict):
        holder[key] = value
        return root
    try:
        holder[_index(key, len(holder))] = value
    except PatchError as e:
        raise PatchError(f"replace operation does not apply: doc is missing key: {path}: missing value") from e
    return root


def _test(root: Json, path: str, step: dict[str, Any]) -> None:
    holder, key = _holder(root, path)
    if path == "":
        found = root
    elif holder is None:
        raise PatchError(f"test operation does not apply: is missing path: {path}: missing value")
    else:
        try:
            found = _get(holder, key)
        except PatchError as e:
            raise PatchError(f"error in test for path: '{path}': {e}") from e
    if "value" not in step or not _same(found, step["value"]):
        raise PatchError(f"testing value {path} failed: test failed")


def _same(one: Json, other: Json) -> bool:
    """Whether two values are the same JSON: 1 differs from 1.0 and from true."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return type(one) is type(other) and bool(one == other)


def _source(root: Json, path: str, op: str) -> Json:
    holder, key = _holder(root, path)
    if holder is None:
        raise PatchError(f"{op} operation does not apply: doc is missing from path: {path}: missing value")
    try:
        return _get(holder, key)
    except PatchError as e:
        where = f"copy for from: '{path}'" if op == "copy" else f"move for path: '{key}'"
        raise PatchError(f"error in {where}: {e}") from e
