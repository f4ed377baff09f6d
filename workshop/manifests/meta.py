"""Fields that every object has: its type, its metadata, its conditions.

The types are msgspec Structs. One declaration gives strict decoding, the OpenAPI schema that `oc explain` prints, and
the merge rules of lists. They describe what a manifest may contain, not what a controller does with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from msgspec import Meta

IntOrString = int | str
Quantity = str | int | float
Labels = dict[str, str]

PRESERVE = {"x-kubernetes-preserve-unknown-fields": True}


class Typed(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    rename="camel",
):
    """Base of all types: immutable, camelCase in JSON, unknown fields are an error."""


def keyed(*names: str) -> Meta:
    """Mark a list whose items are identified by these fields: a patch or an apply merges item by item."""
    return Meta(
        extra_json_schema={
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": list(names),
            "x-kubernetes-patch-merge-key": names[0],
            "x-kubernetes-patch-strategy": "merge",
        }
    )


def hints(rules: dict[str, Any]) -> Meta:
    """Give a field merge rules as Kubernetes publishes them, without the prefix `x-kubernetes-`."""
    return Meta(extra_json_schema={f"x-kubernetes-{name}": value for name, value in rules.items()})


SET = Meta(extra_json_schema={"x-kubernetes-list-type": "set", "x-kubernetes-patch-strategy": "merge"})
"""Mark a list of scalars: a patch or an apply adds to it."""

ATOMIC = Meta(extra_json_schema={"x-kubernetes-list-type": "atomic", "x-kubernetes-map-type": "atomic"})
"""Mark a value that is replaced as a whole."""

ATOMIC_MAP = hints({"map-type": "atomic"})
"""Mark an object that is replaced as a whole."""

Anything = Annotated[dict[str, Any], Meta(extra_json_schema=PRESERVE)]
"""An object whose fields the kit does not read."""


Time = Annotated[
    str,
    Meta(
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})$",
        description="A moment as RFC 3339 writes it: 2026-01-05T10:00:00Z.",
    ),
]


class Reported(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Base of the types that controllers write: unknown fields are kept."""


class OwnerReference(Typed, frozen=True, kw_only=True):
    """The owner of an object. When the owner is deleted, the object is deleted too."""

    api_version: str
    kind: str
    name: str
    uid: str
    controller: bool | None = None
    block_owner_deletion: bool | None = None


class ObjectMeta(Typed, frozen=True, kw_only=True):
    """The metadata of an object."""

    name: Annotated[str | None, Meta(description="Unique among the objects of a kind in a namespace.")] = None
    generate_name: Annotated[
        str | None, Meta(description="A prefix; the server adds five characters to make a unique name.")
    ] = None
    namespace: str | None = None
    labels: Annotated[Labels | None, Meta(description="Keys and values that selectors look for.")] = None
    annotations: Annotated[Labels | None, Meta(description="Keys and values that tools leave for each other.")] = None
    owner_references: Annotated[list[OwnerReference] | None, keyed("uid")] = None
    finalizers: Annotated[list[str] | None, SET] = None
    uid: str | None = None
    resource_version: str | None = None
    generation: int | None = None
    creation_timestamp: str | None = None
    deletion_timestamp: str | None = None
    deletion_grace_period_seconds: int | None = None
    managed_fields: Annotated[list[Any] | None, ATOMIC] = None
    self_link: str | None = None


class Condition(Typed, frozen=True, kw_only=True):
    """One condition of an object: `status` is True, False or Unknown."""

    type: str
    status: str
    reason: str | None = None
    message: str | None = None
    severity: str | None = None
    last_transition_time: Time | None = None
    last_update_time: Time | None = None
    last_probe_time: Time | None = None
    observed_generation: int | None = None


Conditions = Annotated[list[Condition], keyed("type")]


class SelectorRequirement(Typed, frozen=True, kw_only=True):
    """One requirement of a label selector."""

    key: str
    operator: str
    values: Annotated[list[str] | None, ATOMIC] = None


def _holds(rule: SelectorRequirement, labels: Mapping[str, str]) -> bool:
    value, values = labels.get(rule.key), rule.values or []
    match rule.operator:
        case "In":
            return value is not None and value in values
        case "NotIn":
            return value not in values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
    raise ValueError(f'"{rule.operator}" is not a valid label selector operator')


class LabelSelector(Typed, frozen=True, kw_only=True):
    """The labels that an object must have."""

    match_labels: Labels | None = None
    match_expressions: Annotated[list[SelectorRequirement] | None, ATOMIC] = None

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether labels match. Raises ValueError for an unknown operator."""
        if not (self.match_labels or {}).items() <= labels.items():
            return False
        return all(_holds(one, labels) for one in self.match_expressions or ())


class Resource(Typed, frozen=True, kw_only=True):
    """The fields of every kind: `apiVersion`, `kind` and `metadata`."""

    api_version: str | None = None
    kind: str | None = None
    metadata: ObjectMeta = ObjectMeta()
