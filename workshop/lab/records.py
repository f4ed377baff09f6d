"""A stored object, and the event of a change to one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import orjson

from workshop.lab.kinds import Kind
from workshop.manifests.objects import Object

EventType = Literal["ADDED", "MODIFIED", "DELETED"]


@dataclass(frozen=True)
class Record:
    """One stored object: its JSON as sent, and the fields for selection."""

    kind: Kind
    namespace: str
    name: str
    uid: str
    version: int
    labels: dict[str, str]
    owners: tuple[str, ...]
    body: bytes

    def object(self) -> Object:
        """A copy that the caller may change."""
        parsed: Object = orjson.loads(self.body)
        return parsed


@dataclass(frozen=True)
class Event:
    """One change, as a watch sends it.

    `previous` is for watches with a selector: it shows whether the object matched.
    """

    type: EventType
    record: Record
    previous: Record | None = None


def record_of(kind: Kind, obj: Object) -> Record:
    """The record of an object that has a name, a uid and a resourceVersion."""
    meta = obj["metadata"]
    return Record(
        kind=kind,
        namespace=meta.get("namespace", "") if kind.namespaced else "",
        name=meta["name"],
        uid=meta["uid"],
        version=int(meta["resourceVersion"]),
        labels=meta.get("labels") or {},
        owners=tuple(o["uid"] for o in meta.get("ownerReferences") or [] if "uid" in o),
        body=orjson.dumps(obj),
    )
