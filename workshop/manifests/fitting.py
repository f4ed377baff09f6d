"""Values compared with their OpenAPI schema: types, limits, required and unknown fields.

The rules are those of a structural schema of Kubernetes, without CEL and combinations of schemas.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from workshop.manifests.patterns import compiled
from workshop.manifests.schemas import Schema, child, is_open, items, resolve, schema_of


@dataclass(frozen=True)
class Mismatch:
    """A value that does not match: its path with a leading dot, the value, and what the schema allows."""

    path: str
    value: Any
    wanted: str

    @property
    def is_type(self) -> bool:
        """Whether the value has the wrong type, which Go's decoder refuses before any other rule."""
        return self.wanted.startswith("of type")


def metadata_schema() -> Schema | None:
    """The schema of `metadata`, the same for every kind."""
    return child(schema_of("v1", "ConfigMap"), "metadata")


def mismatches(value: Any, schema: Schema | None, path: str = "") -> Iterator[Mismatch]:
    """The values that do not match the schema, in the order of the object. Null always matches."""
    known = resolve(schema)
    wanted = known.get("type")
    if value is None or not known:
        return
    if known.get("x-kubernetes-int-or-string"):
        if not isinstance(value, str | int | float) or isinstance(value, bool):
            yield Mismatch(path, value, "of type integer or string")
        return
    if wanted in _FITS and not _FITS[wanted](value):
        yield Mismatch(path, value, f"of type {wanted}")
        return
    yield from (Mismatch(path, found, rule) for found, rule in _limits(value, known))
    if isinstance(value, dict):
        for name in known.get("required", []):
            if name not in value:
                yield Mismatch(f"{path}.{name}", None, "required")
        for key, one in value.items():
            yield from mismatches(one, child(known, key), f"{path}.{key}")
    elif isinstance(value, list):
        for index, one in enumerate(value):
            yield from mismatches(one, items(known), f"{path}[{index}]")


def unknown_fields(value: Any, schema: Schema | None, path: str = "") -> Iterator[str]:
    """The paths of the fields that the schema does not have. At the top, `metadata` has the schema of all kinds."""
    if isinstance(value, dict):
        open_here = is_open(schema)
        for key, one in value.items():
            below = f"{path}.{key}" if path else str(key)
            if not path and key in ("apiVersion", "kind"):
                continue
            inner = metadata_schema() if not path and key == "metadata" else child(schema, key)
            if inner is not None:
                yield from unknown_fields(one, inner, below)
            elif not open_here:
                yield below
    elif isinstance(value, list):
        inner = items(schema)
        if inner is not None:
            for index, one in enumerate(value):
                yield from unknown_fields(one, inner, f"{path}[{index}]")


def pruned(value: Any, schema: Schema | None) -> Any:
    """A value without the fields that its schema does not have."""
    if isinstance(value, dict):
        kept = value if is_open(schema) else {key: one for key, one in value.items() if child(schema, key) is not None}
        return {key: pruned(one, child(schema, key)) for key, one in kept.items()}
    if isinstance(value, list):
        return [pruned(one, items(schema)) for one in value]
    return value


def without_nulls(value: Any) -> Any:
    """A value without fields that are null, as a server decodes it: `oc expose` sends a few."""
    if isinstance(value, dict):
        return {key: without_nulls(one) for key, one in value.items() if one is not None}
    return [without_nulls(one) for one in value if one is not None] if isinstance(value, list) else value


_FITS = {
    "object": lambda v: isinstance(v, dict),
    "array": lambda v: isinstance(v, list),
    "string": lambda v: isinstance(v, str),
    "boolean": lambda v: isinstance(v, bool),
    "integer": lambda v: isinstance(v, int) and not isinstance(v, bool),
    "number": lambda v: isinstance(v, int | float) and not isinstance(v, bool),
}


def _limits(value: Any, known: Schema) -> Iterator[tuple[Any, str]]:
    allowed = known.get("enum")
    if allowed is not None and value not in allowed:
        yield value, f"supported values: {', '.join(map(json.dumps, allowed))}"
    if isinstance(value, int | float) and not isinstance(value, bool):
        for name, words, over in (("minimum", "greater", False), ("maximum", "less", True)):
            bound = known.get(name)
            strict = bool(known.get(f"exclusive{name.capitalize()}"))
            if bound is not None and ((value > bound if over else value < bound) or (strict and value == bound)):
                yield value, f"be {words} than {'' if strict else 'or equal to '}{bound}"
        if known.get("multipleOf") and value % known["multipleOf"]:
            yield value, f"be a multiple of {known['multipleOf']}"
    elif isinstance(value, str):
        if len(value) > known.get("maxLength", len(value)):
            yield value, f"Too long: may not be more than {known['maxLength']} bytes"
        if len(value) < known.get("minLength", 0):
            yield value, f"be at least {known['minLength']} chars long"
        if "pattern" in known and not compiled(known["pattern"]).search(value):
            yield value, f"match '{known['pattern']}'"
    elif isinstance(value, list):
        if len(value) > known.get("maxItems", len(value)):
            yield value, f"Too many: {len(value)}: must have at most {known['maxItems']} items"
        if len(value) < known.get("minItems", 0):
            yield len(value), f"have at least {known['minItems']} items"
