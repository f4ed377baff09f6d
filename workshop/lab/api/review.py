"""A posted review: who asks what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from workshop.lab.api.context import Api
from workshop.lab.api_errors import BadRequest
from workshop.lab.identity.users import User
from workshop.lab.kinds import Kind
from workshop.manifests.objects import Object


@dataclass(frozen=True)
class Review:
    """A review of `kind` in a namespace, or in none. `value` is the object of the body."""

    api: Api
    kind: Kind
    namespace: str
    user: User
    value: Object

    @property
    def spec(self) -> Object:
        """The spec; empty without one."""
        return part(self.value, "spec")

    def answered(self, status: Object) -> Object:
        """The review with its status."""
        meta: Object = {"creationTimestamp": None}
        if self.namespace:
            meta["namespace"] = self.namespace
        head = {"kind": self.kind.kind, "apiVersion": self.kind.api_version, "metadata": meta}
        return {**head, "spec": self.spec, "status": status}


def part(value: Object, field: str) -> Object:
    """A field that is an object; empty without it. Raises BadRequest when it has another type."""
    found = value.get(field)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise BadRequest(f"json: cannot unmarshal into Go struct field .{field}")
    return found


def text(value: Object, field: str) -> str:
    """A field that is a text; empty without it. Raises BadRequest when it has another type."""
    found: Any = value.get(field)
    if found is not None and not isinstance(found, str):
        raise BadRequest(f"json: cannot unmarshal into Go struct field .{field} of type string")
    return found or ""


def texts(value: Object, field: str) -> tuple[str, ...]:
    """A field that is a list of texts; empty without it. Raises BadRequest when it has another type."""
    found: Any = value.get(field)
    if found is None:
        return ()
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise BadRequest(f"json: cannot unmarshal into Go struct field .{field} of type []string")
    return tuple(found)
