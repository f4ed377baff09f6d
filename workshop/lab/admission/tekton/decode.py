"""Turns a manifest into its type, as strictly as Tekton's mutating webhook, and names each unknown field."""

from __future__ import annotations

import re
from functools import cache
from typing import Any, TypeVar

import msgspec

from workshop.lab.api_errors import BadRequest
from workshop.manifests.objects import Object

T = TypeVar("T")
_DENIED = (
    'admission webhook "webhook.pipeline.tekton.dev" denied the request: mutation failed: '
    "cannot decode incoming new object: json: "
)
_SCALAR = re.compile(r"Expected `(str|int|bool)`, got `(\w+)` - at `\$([^`]*)`")
_GO = {"int": "number", "float": "number", "str": "string"}
_GO_TYPES = {"str": "string", "int": "int", "bool": "bool"}
_UNKNOWN = re.compile(r"Object contains unknown field `([^`]*)`")


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
    """The typed form of a manifest. Raises BadRequest in the webhook's words for an unknown field."""
    try:
        return msgspec.convert({key: value for key, value in obj.items() if key != "status"}, type_)
    except msgspec.ValidationError as e:
        unknown = _UNKNOWN.match(str(e))
        text = f'unknown field "{unknown.group(1)}"' if unknown else _in_go(str(e), obj)
        raise BadRequest(_DENIED + text) from e


def _in_go(text: str, obj: Object) -> str:
    """A wrong scalar in the words of Go's decoder; other messages stay."""
    found = _SCALAR.fullmatch(text)
    if not found:
        return text
    wanted, got, path = found.groups()
    place = f"{obj.get('kind', '')}{path.replace('[', '.').replace(']', '')}"
    field = "" if path.endswith("]") else "Go struct field "
    return f"cannot unmarshal {_GO.get(got, got)} into {field}{place} of type {_GO_TYPES[wanted]}"


def scalars_to_strings(value: Any) -> Any:
    """A parameter's value as Tekton reads it: a number or a truth value is its text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    return value
