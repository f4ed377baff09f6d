"""The OpenAPI schemas of the kinds, made from their types.

A schema has three uses: `oc explain` and client-side validation, strict decoding in the API, and the merge keys of
strategic patches and server-side apply. It has the JSON form that Kubernetes publishes, with `$ref` into `components`.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import msgspec

from workshop.manifests.types import TYPES

Schema = dict[str, Any]
REF = "#/components/schemas/"
ANY: Schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
"""The schema of a kind without a type."""


@cache
def _made() -> tuple[dict[tuple[str, str], str], dict[str, Schema]]:
    """The name of each kind's schema, and all schemas by name."""
    tops, found = msgspec.json.schema_components(TYPES.values(), ref_template=REF + "{name}")
    names = {gvk: str(top["$ref"]).removeprefix(REF) for gvk, top in zip(TYPES, tops, strict=True)}
    return names, {name: _kubernetes(schema) for name, schema in found.items()}


def components() -> dict[str, Schema]:
    """All schemas by name."""
    return _made()[1]


def name_of(api_version: str, kind: str) -> str | None:
    """The name of a kind's schema among the components, or None if it has no type."""
    return _made()[0].get((api_version, kind))


def schema_of(api_version: str, kind: str) -> Schema | None:
    """The schema of a kind, or None if it has no type."""
    name = name_of(api_version, kind)
    return components()[name] if name else None


def resolve(schema: Schema | None) -> Schema:
    """The schema behind a `$ref`; an empty one for None. Keys next to the reference are kept."""
    if schema is None:
        return {}
    ref = schema.get("$ref")
    if ref is None:
        return schema
    target = components().get(ref.removeprefix(REF), ANY)
    return {**target, **{k: v for k, v in schema.items() if k != "$ref"}} if len(schema) > 1 else target


def child(schema: Schema | None, key: str) -> Schema | None:
    """The schema of a field or of a map's values; None if it is not described."""
    parent = resolve(schema)
    found = parent.get("properties", {}).get(key)
    if found is not None:
        return dict(found)
    extra = parent.get("additionalProperties")
    return extra if isinstance(extra, dict) else None


def items(schema: Schema | None) -> Schema | None:
    """The schema of a list's items."""
    found = resolve(schema).get("items")
    return found if isinstance(found, dict) else None


def is_open(schema: Schema | None) -> bool:
    """Whether fields that the schema does not name are allowed."""
    known = resolve(schema)
    return (
        not known
        or bool(known.get("x-kubernetes-preserve-unknown-fields"))
        or "additionalProperties" in known
        or ("properties" not in known and known.get("type", "object") == "object")
    )


def _kubernetes(schema: Any) -> Any:
    """msgspec's schema in the subset that Kubernetes publishes: no null, no title, no closed maps."""
    if isinstance(schema, list):
        return [_kubernetes(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    out: Schema = {}
    if "properties" in schema and "additionalProperties" not in schema:  # a type that keeps unknown fields
        out["x-kubernetes-preserve-unknown-fields"] = True
    for key, value in schema.items():
        if key == "title" or (key == "default" and value in (None, [], {}, "", 0, False)):
            continue
        if key == "additionalProperties" and value is False:
            continue
        if key == "properties":
            out[key] = {name: _kubernetes(one) for name, one in value.items()}
        elif key in ("anyOf", "items", "additionalProperties"):
            out[key] = _kubernetes(value)
        else:
            out[key] = value
    choices = out.get("anyOf")
    if choices:
        real = [one for one in choices if one.get("type") != "null"]
        del out["anyOf"]
        types = {one.get("type") for one in real}
        if len(real) == 1:
            out = {**real[0], **out}
        elif types <= {"integer", "string", "number"}:
            out["x-kubernetes-int-or-string"] = True
        else:
            out["x-kubernetes-preserve-unknown-fields"] = True
    if out.get("items") == {}:
        out["items"] = dict(ANY)
    if out.get("type") == "object" and out.get("additionalProperties") == {}:
        out.pop("additionalProperties")
        out["x-kubernetes-preserve-unknown-fields"] = True
    return out
