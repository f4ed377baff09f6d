"""Warning events for objects that a controller leaves out of a program's configuration."""

from __future__ import annotations

from workshop.lab.controllers.events import Events
from workshop.lab.store import Store
from workshop.manifests.objects import Object


class LeftOut:
    """Emits an event for an object that is left out, once for each error."""

    def __init__(self, store: Store, component: str) -> None:
        self._events = Events(store, component)
        self._reported: dict[str, str] = {}

    def report(self, obj: Object, error: ValueError) -> None:
        """The object is left out because of an error."""
        uid, message = obj["metadata"]["uid"], f"{obj['kind']} {obj['metadata']['name']} is left out: {error}"
        if self._reported.get(uid) != message:
            self._reported[uid] = message
            self._events.emit(obj, "InvalidConfiguration", message, warning=True)

    def clear(self, obj: Object) -> None:
        """The object is not left out."""
        self._reported.pop(obj["metadata"]["uid"], None)
