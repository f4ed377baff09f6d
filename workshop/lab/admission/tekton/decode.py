"""Turns a manifest into its type, as strictly as Tekton's mutating webhook, and names each unknown field."""

from __future__ import annotations

import re
from functools import cache
from typing import Any, TypeVar

import msgspec

from workshop.lab.admission.tekton.gowords import in_go, place_of
from workshop.lab.api_errors import BadRequest
from workshop.manifests.objects import Object

T = TypeVar("T")


class Undecodable(BadRequest):
    """What Tekton's mutating webhook cannot decode. `path` is the place of the value."""

    def __init__(self, text: str, path: list[str | int]) -> None:
        super().__init__(_DENIED + text)
        self.path = path


_DENIED = (
    'admission webhook "webhook.pipeline.tekton.dev" denied the request: mutation failed: '
    "cannot decode incoming new object: "
)
_UNKNOWN = re.compile(r"Object contains unknown field `([^`]*)`")


_MAPS = {"default": "", "properties": None, "value": ""}
"""Fields whose keys a user chooses, with what a null is there."""


def without_nulls(value: Any, field: str = "") -> Any:
    """A copy without null fields, which Go leaves at their zero value; `field` is the name of the one around it."""
    if isinstance(value, list):
        return [without_nulls(one, field) for one in value]
    if not isinstance(value, dict):
        return value
    if field in _MAPS:
        return {key: _MAPS[field] if one is None else without_nulls(one) for key, one in value.items()}
    found = {key: without_nulls(one, key) for key, one in value.items() if one is not None}
    return {**found, "value": ""} if field == "params" and "value" in value and value["value"] is None else found


def fold(obj: Any, type_: Any) -> None:
    """Rename fields that differ from the type's in case only, in place: Go reads `mountpath` as `mountPath`."""
    if isinstance(obj, list):
        inner = getattr(type_, "item_type", None)
        for one in obj:
            fold(one, inner)
    elif isinstance(obj, dict) and isinstance(type_, msgspec.inspect.StructType):
        fields = {field.encode_name: field.type for field in type_.fields}
        by_case = {name.lower(): name for name in fields}
        for key in [key for key in obj if isinstance(key, str) and key not in fields]:
            name = by_case.get(key.lower())
            if name is not None and name not in obj:
                obj[name] = obj.pop(key)
        for key, one in obj.items():
            if key in fields:
                fold(one, _plain(fields[key]))


def _plain(type_: Any) -> Any:
    """A field's type without its description and without None."""
    while isinstance(type_, msgspec.inspect.Metadata):
        type_ = type_.type
    if isinstance(type_, msgspec.inspect.UnionType):
        kinds = (msgspec.inspect.StructType, msgspec.inspect.ListType)
        real = [found for one in type_.types if isinstance(found := _plain(one), kinds)]
        return real[0] if len(real) == 1 else None
    return type_


@cache
def _info(type_: type) -> Any:
    return msgspec.inspect.type_info(type_)


def fold_case(obj: Object, type_: type) -> None:
    """`fold` for a whole manifest; costs nothing but a decode when the case is right."""
    try:
        msgspec.convert(obj, type_)
    except msgspec.ValidationError as e:
        if "unknown field" in str(e):
            fold(obj, _info(type_))


def decode(obj: Object, type_: type[T]) -> T:
    """The typed form of a manifest. Raises Undecodable for an unknown field or a wrong type, in the webhook's words."""
    try:
        return msgspec.convert({key: value for key, value in obj.items() if key != "status"}, type_)
    except msgspec.ValidationError as e:
        unknown = _UNKNOWN.match(str(e))
        text = f'unknown field "{unknown.group(1)}"' if unknown else in_go(e, obj, type_)
        raise Undecodable(f"json: {text}", place_of(e)) from e


def scalars_to_strings(value: Any) -> Any:
    """A parameter's value as Tekton reads it: a number or a truth value is its text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e21:
        return str(int(value))
    if isinstance(value, int | float):
        return str(value)
    return value
