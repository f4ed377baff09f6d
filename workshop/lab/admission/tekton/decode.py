"""Turns a manifest into its type, as strictly as Tekton's mutating webhook, and names each unknown field."""

from __future__ import annotations

import re
from typing import Any, TypeVar

import msgspec

from workshop.lab.kinds import Object
from workshop.lab.statuses import BadRequest

T = TypeVar("T")
_DENIED = (
    'admission webhook "webhook.pipeline.tekton.dev" denied the request: mutation failed: '
    "cannot decode incoming new object: json: "
)
_UNKNOWN = re.compile(r"Object contains unknown field `([^`]*)`")


def decode(obj: Object, type_: type[T]) -> T:
    """The typed form of a manifest. Raises BadRequest in the webhook's words for an unknown field."""
    try:
        return msgspec.convert({key: value for key, value in obj.items() if key != "status"}, type_)
    except msgspec.ValidationError as e:
        unknown = _UNKNOWN.match(str(e))
        text = f'unknown field "{unknown.group(1)}"' if unknown else str(e)
        raise BadRequest(_DENIED + text) from e


def scalars_to_strings(value: Any) -> Any:
    """A parameter's value as Tekton reads it: a number or a truth value is its text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    return value
