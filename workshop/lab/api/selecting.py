"""Selection of objects for a list or a watch: by namespace, labels and fields."""

from __future__ import annotations

from collections.abc import Callable

from workshop.lab.api.request import Target
from workshop.lab.api_errors import BadRequest
from workshop.lab.kinds import Kind
from workshop.lab.records import Record
from workshop.manifests import selectors
from workshop.manifests.objects import Object

_FIELDS: dict[str, tuple[str, ...]] = {
    "events": (
        "involvedObject.apiVersion",
        "involvedObject.fieldPath",
        "involvedObject.kind",
        "involvedObject.name",
        "involvedObject.namespace",
        "involvedObject.resourceVersion",
        "involvedObject.uid",
        "reason",
        "reportingComponent",
        "source",
        "type",
    ),
    "namespaces": ("status.phase",),
    "pods": (
        "spec.hostNetwork",
        "spec.nodeName",
        "spec.restartPolicy",
        "spec.schedulerName",
        "spec.serviceAccountName",
        "status.nominatedNodeName",
        "status.phase",
        "status.podIP",
    ),
    "secrets": ("type",),
}
"""The fields that can select objects of a kind, in addition to metadata.name and metadata.namespace."""


def selector(kind: Kind, target: Target) -> Callable[[Record], bool]:
    """A predicate of records from the query's labelSelector and fieldSelector. Raises BadRequest."""
    try:
        by_label = selectors.labels(target.query.get("labelSelector", ""))
        parts = selectors.fields(target.query.get("fieldSelector", ""))
    except selectors.SelectorError as e:
        raise BadRequest(str(e)) from e
    allowed = _FIELDS.get(kind.resource, ())
    for name, _, _ in parts:
        if name not in ("metadata.name", "metadata.namespace", *allowed):
            raise BadRequest(f"field label not supported: {name}")
    quick = [(name, value, equal) for name, value, equal in parts if name.startswith("metadata.")]
    deep = [(name, value, equal) for name, value, equal in parts if not name.startswith("metadata.")]

    def matches(record: Record) -> bool:
        if target.name and record.name != target.name:
            return False
        for name, value, equal in quick:
            if ((record.name if name == "metadata.name" else record.namespace) == value) != equal:
                return False
        if not by_label(record.labels):
            return False
        if deep:
            obj = record.object()
            return all((_field(obj, name) == value) == equal for name, value, equal in deep)
        return True

    return matches


def selected_name(selector: str) -> str:
    """The only name that a fieldSelector lets through; empty when it lets through more, or cannot be parsed."""
    try:
        parts = selectors.fields(selector)
    except selectors.SelectorError:
        return ""
    return next((value for name, value, equal in parts if name == "metadata.name" and equal), "")


def _field(obj: Object, path: str) -> str:
    if path == "source":
        path = "source.component"
    value: object = obj
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)
