"""Pruning of fields that a schema does not have; the defaults of a CRD's schema."""

from __future__ import annotations

import copy
from typing import Any

from workshop.lab.api.validation import schema_for
from workshop.lab.kinds import Kind
from workshop.manifests.fitting import pruned
from workshop.manifests.objects import Object
from workshop.manifests.schemas import Schema, child, items, resolve

_TOP = ("apiVersion", "kind", "metadata")


def prune_and_default(kind: Kind, obj: Object) -> Object:
    """An object without the fields that its schema does not have, and with the schema's defaults.

    Lenient kinds keep unknown fields outside of `status`, as their CRDs do.
    """
    schema = schema_for(kind)
    if schema is None:
        return obj
    top = {key: obj[key] for key in _TOP if key in obj}
    rest = {key: value for key, value in set_defaults(kind, obj).items() if key not in top}
    if kind.is_lenient:
        return {**top, **rest, **pruned({"status": rest["status"]} if "status" in rest else {}, schema)}
    return {**top, **pruned(rest, schema)}


def set_defaults(kind: Kind, obj: Object) -> Object:
    """An object of a kind from a CRD, with the defaults of its schema.

    Objects of other kinds are returned unchanged.
    """
    if kind.schema is None:
        return obj
    top = {key: obj[key] for key in _TOP if key in obj}
    rest = {key: value for key, value in obj.items() if key not in top}
    return {**top, **_defaulted(rest, kind.schema, top=True)}


def _defaulted(value: Any, schema: Schema | None, *, top: bool = False) -> Any:
    if isinstance(value, dict):
        found = {key: _defaulted(one, child(schema, key)) for key, one in value.items()}
        for key, field in resolve(schema).get("properties", {}).items():
            if "default" in field and key not in found and not (top and key == "metadata"):
                found[key] = _defaulted(copy.deepcopy(field["default"]), field)
        return found
    if isinstance(value, list):
        return [_defaulted(one, items(schema)) for one in value]
    return value
