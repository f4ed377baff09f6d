"""Validation of objects against their schema: unknown fields, and values of the wrong type.

The messages are those of a real API server. The specs of lenient kinds are left to admission, which has the messages of
their webhooks. The status is validated for every kind.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from workshop.lab.api_errors import BadRequest, Invalid
from workshop.lab.kinds import Kind
from workshop.manifests.fitting import Mismatch, metadata_schema, mismatches, unknown_fields
from workshop.manifests.gojson import go_type
from workshop.manifests.objects import Object
from workshop.manifests.schemas import Schema, child, schema_of

_ONLY_METADATA: Schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}


def schema_for(kind: Kind) -> Schema | None:
    """The schema of a kind: its CRD's, or that of its type."""
    return kind.schema or schema_of(kind.api_version, kind.kind)


def check(kind: Kind, obj: Object, mode: str) -> tuple[str, ...]:
    """Compare an object with its schema and return the warnings for the client.

    `mode` is the request's fieldValidation: Strict, Warn or Ignore. Raises BadRequest or Invalid.
    """
    _check_mode(mode)
    in_metadata = list(mismatches(obj["metadata"], metadata_schema(), ".metadata"))
    schema = schema_for(kind)
    if schema is None or kind.is_lenient:
        schema = _ONLY_METADATA
    wrong = in_metadata or list(mismatches(obj, schema))
    if wrong:
        raise _refusal(kind, obj, wrong, decoded=bool(in_metadata))
    return _unknown(kind, unknown_fields(obj, schema), mode)


def check_status(kind: Kind, obj: Object, mode: str) -> tuple[str, ...]:
    """Compare the status of an object with its schema and return the warnings. Raises as `check` does."""
    _check_mode(mode)
    schema = child(schema_for(kind), "status")
    if schema is None or "status" not in obj:
        return ()
    if wrong := list(mismatches(obj["status"], schema, ".status")):
        raise _refusal(kind, obj, wrong)
    return _unknown(kind, unknown_fields(obj["status"], schema, "status"), mode)


def _check_mode(mode: str) -> None:
    if mode not in ("Strict", "Warn", "Ignore"):
        raise BadRequest(f'fieldValidation: Unsupported value: "{mode}": supported values: "Ignore", "Strict", "Warn"')


def _unknown(kind: Kind, paths: Any, mode: str) -> tuple[str, ...]:
    unknown = [f'unknown field "{path}"' for path in paths]
    if unknown and mode == "Strict":
        raise BadRequest(f"{_handled(kind)}: strict decoding error: {', '.join(unknown)}")
    return tuple(unknown) if mode == "Warn" else ()


def _handled(kind: Kind) -> str:
    return f'{kind.kind} in version "{kind.version}" cannot be handled as a {kind.kind}'


def _refusal(kind: Kind, obj: Object, wrong: Sequence[Mismatch], *, decoded: bool = False) -> BadRequest | Invalid:
    """The error for invalid values.

    A value of the wrong type fails where the server decodes its own types (`decoded`: it always decodes metadata). Any
    other error is Invalid, with all causes.
    """
    first = next((one for one in wrong if decoded or one.is_type), None)
    if first is not None and (decoded or kind.schema is None):
        field = f"{first.path} {first.wanted}"
        problem = f"json: cannot unmarshal {go_type(first.value)} into Go struct field {field}"
        return BadRequest(f"{_handled(kind)}: {problem}")
    name = obj["metadata"].get("name", "")
    causes = [_cause(one) for one in wrong]
    lines = [f"{cause['field']}: {cause['message']}" for cause in causes]
    listed = lines[0] if len(lines) == 1 else f"[{', '.join(lines)}]"
    details = {"name": name, "group": kind.group, "kind": kind.kind, "causes": causes}
    return Invalid(f'{kind.title} "{name}" is invalid: {listed}', details={k: v for k, v in details.items() if v})


def _cause(one: Mismatch) -> dict[str, str]:
    field, wanted = one.path[1:], one.wanted
    if wanted == "required":
        return {"reason": "FieldValueRequired", "message": "Required value", "field": field}
    reason = next((name for start, name in _REASONS.items() if wanted.startswith(start)), "FieldValueInvalid")
    if one.is_type:
        shown = f'"{_openapi_type(one.value)}"'
        message = f"Invalid value: {shown}: {field} in body must be {wanted}: {shown}"
    elif wanted.startswith("supported values"):
        message = f"Unsupported value: {json.dumps(one.value)}: {wanted}"
    elif wanted.startswith("Too "):
        message = wanted
    else:
        message = f"Invalid value: {json.dumps(one.value)}: {field} in body should {wanted}"
    return {"reason": reason, "message": message, "field": field}


_REASONS = {
    "of type": "FieldValueTypeInvalid",
    "supported values": "FieldValueNotSupported",
    "Too long": "FieldValueTooLong",
    "Too many": "FieldValueTooMany",
}


def _openapi_type(value: Any) -> str:
    names: dict[type, str] = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array"}
    return names.get(type(value), "object")
