"""Fields held to the schema: unknown ones, and values of the wrong type.

Says what a real API server says. Kinds whose controllers decode strictly themselves (`LENIENT`) are left to their
admission, whose words users know.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from workshop.lab.kinds import Kind, Object
from workshop.lab.statuses import BadRequest, Invalid
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
        shown = f'"{_openapi_type(value)}"' if wanted.startswith("of type") else json.dumps(value)
        verb = "must be" if wanted.startswith("of type") else "should be"
        told = f"Invalid value: {shown}: {path[1:]} in body {verb} {wanted}"
        told += f": {shown}" if wanted.startswith("of type") else ""
        causes.append(
            {
                "reason": "FieldValueTypeInvalid" if "type" in wanted else "FieldValueInvalid",
                "message": told,
                "field": path[1:],
            }
        )
    lines = [f"{cause['field']}: {cause['message']}" for cause in causes]
    said = lines[0] if len(lines) == 1 else f"[{', '.join(lines)}]"
    title = f"{kind.kind}.{kind.group}" if kind.group else kind.kind
    details = {"name": name, "group": kind.group, "kind": kind.kind, "causes": causes}
    return Invalid(f'{title} "{name}" is invalid: {said}', details={k: v for k, v in details.items() if v})


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
    """The few value rules of a structural schema that CRDs of workshops use."""
    allowed = known.get("enum")
    if allowed is not None and value not in allowed:
        yield path, value, f"one of {allowed}"
    if isinstance(value, int | float):
        if "minimum" in known and value < known["minimum"]:
            yield path, value, f"greater than or equal to {known['minimum']}"
        if "maximum" in known and value > known["maximum"]:
            yield path, value, f"less than or equal to {known['maximum']}"


def _metadata() -> Schema | None:
    return child(schema_of("v1", "ConfigMap"), "metadata")
