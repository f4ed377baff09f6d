"""Fields held to the schema: unknown ones, and values of the wrong type.

Says what a real API server says. Kinds whose controllers decode strictly themselves (`LENIENT`) are left to their
admission, whose words users know.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from workshop.lab.api_errors import BadRequest, Invalid
from workshop.lab.kinds import Kind, Object
from workshop.manifests.gojson import go_type
from workshop.manifests.schemas import Schema, child, is_open, items, resolve, schema_of

LENIENT = ("tekton.dev", "triggers.tekton.dev")
"""Groups whose CRDs keep unknown fields: their webhook refuses them."""
_ONLY_METADATA: Schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}


def schema_for(kind: Kind) -> Schema | None:
    """The schema of a kind: its CRD's, or that of its type."""
    return kind.schema or schema_of(kind.api_version, kind.kind)


def check(kind: Kind, obj: Object, mode: str) -> tuple[str, ...]:
    """Hold an object to its schema and return the warnings that the client should see.

    `mode` is the request's fieldValidation: Strict, Warn or Ignore. Raises BadRequest or Invalid.
    """
    if mode not in ("Strict", "Warn", "Ignore"):
        raise BadRequest(f'fieldValidation: Unsupported value: "{mode}": supported values: "Ignore", "Strict", "Warn"')
    schema = schema_for(kind)
    handled = f'{kind.kind} in version "{kind.version}" cannot be handled as a {kind.kind}'
    in_metadata = list(_mismatches(obj["metadata"], _metadata(), ".metadata"))
    if schema is None or kind.group in LENIENT:
        schema = _ONLY_METADATA
    wrong = in_metadata or list(_mismatches(obj, schema, ""))
    mistyped = in_metadata or [one for one in wrong if one[2].startswith("of type")]
    if wrong and not in_metadata and (kind.schema is not None or not mistyped):
        raise _invalid(kind, obj, wrong)
    if mistyped:
        path, value, wanted = mistyped[0]
        raise BadRequest(f"{handled}: json: cannot unmarshal {go_type(value)} into Go struct field {path} {wanted}")
    unknown = [f'unknown field "{path}"' for path in _unknown(obj, schema, "", top=True)]
    if unknown and mode == "Strict":
        raise BadRequest(f"{handled}: strict decoding error: {', '.join(unknown)}")
    return tuple(unknown) if mode == "Warn" else ()


def _invalid(kind: Kind, obj: Object, wrong: list[tuple[str, Any, str]]) -> Invalid:
    name = obj["metadata"].get("name", "")
    causes = []
    for path, value, wanted in wrong:
        if wanted == "required":
            causes.append({"reason": "FieldValueRequired", "message": "Required value", "field": path[1:]})
            continue
        reason = next((name for start, name in _REASONS.items() if wanted.startswith(start)), "FieldValueInvalid")
        if wanted.startswith("of type"):
            shown = f'"{_openapi_type(value)}"'
            told = f"Invalid value: {shown}: {path[1:]} in body must be {wanted}: {shown}"
        elif wanted.startswith("supported values"):
            told = f"Unsupported value: {json.dumps(value)}: {wanted}"
        elif wanted.startswith("Too "):
            told = wanted
        else:
            told = f"Invalid value: {json.dumps(value)}: {path[1:]} in body should {wanted}"
        causes.append({"reason": reason, "message": told, "field": path[1:]})
    lines = [f"{cause['field']}: {cause['message']}" for cause in causes]
    said = lines[0] if len(lines) == 1 else f"[{', '.join(lines)}]"
    title = f"{kind.kind}.{kind.group}" if kind.group else kind.kind
    details = {"name": name, "group": kind.group, "kind": kind.kind, "causes": causes}
    return Invalid(f'{title} "{name}" is invalid: {said}', details={k: v for k, v in details.items() if v})


_REASONS = {
    "of type": "FieldValueTypeInvalid",
    "supported values": "FieldValueNotSupported",
    "Too long": "FieldValueTooLong",
    "Too many": "FieldValueTooMany",
}


def _openapi_type(value: Any) -> str:
    names: dict[type, str] = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array"}
    return names.get(type(value), "object")


def _unknown(value: Any, schema: Schema | None, path: str, *, top: bool = False) -> Iterator[str]:
    if isinstance(value, dict):
        open_here = is_open(schema)
        for key, one in value.items():
            below = f"{path}.{key}" if path else str(key)
            if top and key in ("apiVersion", "kind"):
                continue
            if top and key == "metadata":
                yield from _unknown(one, _metadata(), below)
                continue
            inner = child(schema, key)
            if inner is None:
                if not open_here:
                    yield below
            else:
                yield from _unknown(one, inner, below)
    elif isinstance(value, list):
        inner = items(schema)
        if inner is not None:
            for index, one in enumerate(value):
                yield from _unknown(one, inner, f"{path}[{index}]")


def _mismatches(value: Any, schema: Schema | None, path: str) -> Iterator[tuple[str, Any, str]]:
    """Path, value and what was wanted, of each value that does not fit."""
    known = resolve(schema)
    wanted = known.get("type")
    if value is None or not known:
        return
    if known.get("x-kubernetes-int-or-string"):
        if not isinstance(value, str | int | float) or isinstance(value, bool):
            yield path, value, "of type integer or string"
        return
    fits = {
        "object": lambda v: isinstance(v, dict),
        "array": lambda v: isinstance(v, list),
        "string": lambda v: isinstance(v, str),
        "boolean": lambda v: isinstance(v, bool),
        "integer": lambda v: isinstance(v, int) and not isinstance(v, bool),
        "number": lambda v: isinstance(v, int | float) and not isinstance(v, bool),
    }
    if wanted in fits and not fits[wanted](value):
        yield path, value, f"of type {wanted}"
        return
    yield from _limits(value, known, path)
    if isinstance(value, dict):
        for name in known.get("required", []):
            if name not in value:
                yield f"{path}.{name}", None, "required"
        for key, one in value.items():
            yield from _mismatches(one, child(known, key), f"{path}.{key}")
    elif isinstance(value, list):
        for index, one in enumerate(value):
            yield from _mismatches(one, items(known), f"{path}[{index}]")


def _limits(value: Any, known: Schema, path: str) -> Iterator[tuple[str, Any, str]]:
    """The value rules of a structural schema, but for CEL and combinations of schemas."""
    allowed = known.get("enum")
    if allowed is not None and value not in allowed:
        yield path, value, f"supported values: {', '.join(map(json.dumps, allowed))}"
    if isinstance(value, int | float) and not isinstance(value, bool):
        for name, words, over in (("minimum", "greater", False), ("maximum", "less", True)):
            bound = known.get(name)
            strict = bool(known.get(f"exclusive{name.capitalize()}"))
            if bound is not None and ((value > bound if over else value < bound) or (strict and value == bound)):
                yield path, value, f"be {words} than {'' if strict else 'or equal to '}{bound}"
        if known.get("multipleOf") and value % known["multipleOf"]:
            yield path, value, f"be a multiple of {known['multipleOf']}"
    elif isinstance(value, str):
        if len(value) > known.get("maxLength", len(value)):
            yield path, value, f"Too long: may not be more than {known['maxLength']} bytes"
        if len(value) < known.get("minLength", 0):
            yield path, value, f"be at least {known['minLength']} chars long"
        if "pattern" in known and not re.search(known["pattern"], value):
            yield path, value, f"match '{known['pattern']}'"
    elif isinstance(value, list):
        if len(value) > known.get("maxItems", len(value)):
            yield path, value, f"Too many: {len(value)}: must have at most {known['maxItems']} items"
        if len(value) < known.get("minItems", 0):
            yield path, len(value), f"have at least {known['minItems']} items"


def _metadata() -> Schema | None:
    return child(schema_of("v1", "ConfigMap"), "metadata")
