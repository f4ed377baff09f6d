"""Kubernetes' strategic merge patch: lists merge item by item, by the keys that the schema names.

Without a schema it works like a merge patch. It does not change its inputs.
"""

from __future__ import annotations

import copy
from typing import Any

from workshop.manifests.patches import Json, PatchError
from workshop.manifests.schemas import Schema, child, items, resolve


def strategic(target: Json, patch: Json, schema: Schema | None) -> Json:
    """Kubernetes' merge: lists with a merge key merge item by item; `$patch` and related directives are applied.

    New items are appended. Raises PatchError.
    """
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    directive = patch.get("$patch")
    if directive == "replace":
        return {key: copy.deepcopy(value) for key, value in patch.items() if key != "$patch"}
    if directive == "delete":
        return {}
    if directive not in (None, "merge"):
        raise PatchError(f"unknown patch type: {directive}")
    result = dict(target) if isinstance(target, dict) else {}
    retained = patch.get("$retainKeys")
    if retained is not None:
        result = {key: value for key, value in result.items() if key in retained}
    for key, value in patch.items():
        if key in ("$patch", "$retainKeys"):
            continue
        if key.startswith("$deleteFromPrimitiveList/"):
            name = key.partition("/")[2]
            result[name] = [one for one in result.get(name) or [] if one not in value]
        elif key.startswith("$setElementOrder/"):
            continue
        elif value is None:
            result.pop(key, None)
        elif isinstance(value, dict):
            if resolve(child(schema, key)).get("x-kubernetes-patch-strategy") == "replace":
                result[key] = copy.deepcopy(value)
            else:
                result[key] = strategic(result.get(key), value, child(schema, key))
        elif isinstance(value, list):
            result[key] = _strategic_list(result.get(key), value, child(schema, key))
        else:
            result[key] = value
    for key, order in patch.items():
        if key.startswith("$setElementOrder/"):
            name = key.partition("/")[2]
            result[name] = _reorder(result.get(name), order, child(schema, name))
    return result


def merge_key(schema: Schema | None) -> str | None:
    """The field that identifies a list's items in a strategic patch; None if the list is replaced."""
    known = resolve(schema)
    if "merge" not in str(known.get("x-kubernetes-patch-strategy", "")):
        return None
    return known.get("x-kubernetes-patch-merge-key")


def _strategic_list(old: Any, patch: list[Any], schema: Schema | None) -> list[Any]:
    known = resolve(schema)
    if "merge" not in str(known.get("x-kubernetes-patch-strategy", "")):
        kept = [copy.deepcopy(one) for one in patch if not (isinstance(one, dict) and "$patch" in one)]
        return kept
    result = list(old) if isinstance(old, list) else []
    key = merge_key(schema)
    if key is None:
        return result + [one for one in patch if one not in result]
    if any(isinstance(one, dict) and one.get("$patch") == "replace" for one in patch):
        return [copy.deepcopy(one) for one in patch if one.get("$patch") != "replace"]
    fresh: list[Any] = []
    for one in patch:
        if not isinstance(one, dict) or key not in one:
            raise PatchError(f"map: {one} does not contain declared merge key: {key}")
        mine = [i for i, had in enumerate(result) if isinstance(had, dict) and had.get(key) == one[key]]
        if one.get("$patch") == "delete":
            result = [had for i, had in enumerate(result) if i not in mine]
        elif not mine:
            fresh.append(strategic({}, one, items(schema)))
        else:
            result[mine[0]] = strategic(result[mine[0]], one, items(schema))
    return result + fresh


def _reorder(values: Any, order: list[Any], schema: Schema | None) -> Any:
    """Items named in `order` come in that order; other items stay behind the item that they followed."""
    if not isinstance(values, list):
        return values
    key = merge_key(schema)

    def mark(one: Any) -> Any:
        return one.get(key) if key and isinstance(one, dict) else one

    wanted = [mark(one) for one in order]
    named = sorted((v for v in values if mark(v) in wanted), key=lambda v: wanted.index(mark(v)))
    result: list[Any] = []
    for value in values:
        result.append(named.pop(0) if mark(value) in wanted else value)
    return result
