"""What a server makes of an object by its CRD's schema: unknown fields go, defaults come."""

from __future__ import annotations

import copy
from typing import Any

from workshop.lab.kinds import Kind, Object
from workshop.manifests.schemas import Schema, child, is_open, items, resolve


def shaped(kind: Kind, obj: Object, *, prune: bool = True) -> Object:
    """The object of a kind that a CRD has added, as its schema has it; others are left as they are."""
    if kind.schema is None:
        return obj
    kept = {key: obj[key] for key in ("apiVersion", "kind", "metadata") if key in obj}
    rest = {key: value for key, value in obj.items() if key not in kept}
    return {**kept, **_shaped(rest, kind.schema, prune, top=True)}


def _shaped(value: Any, schema: Schema | None, prune: bool, *, top: bool = False) -> Any:
    if isinstance(value, dict):
        open_here = not prune or is_open(schema)
        found = {
            key: _shaped(one, child(schema, key), prune)
            for key, one in value.items()
            if open_here or child(schema, key) is not None
        }
        for key, field in resolve(schema).get("properties", {}).items():
            if "default" in field and key not in found and not (top and key == "metadata"):
                found[key] = _shaped(copy.deepcopy(field["default"]), field, prune)
        return found
    if isinstance(value, list):
        return [_shaped(one, items(schema), prune) for one in value]
    return value
