"""The loop that shows EventListeners."""

from __future__ import annotations

from workshop.lab.controllers.loop import Loop
from workshop.lab.controllers.triggers.listeners import LABEL, Listeners
from workshop.lab.kinds import built_in
from workshop.lab.records import Record
from workshop.lab.store import Store


class ListenerController(Loop):
    """Lists the interceptors that Triggers ships, then reconciles listeners."""

    def __init__(self, store: Store, listeners: Listeners) -> None:
        super().__init__(
            "triggers",
            store,
            listeners.reconcile,
            owns=built_in("EventListener"),
            watches={built_in(kind): _listener_of for kind in ("Deployment", "Pod", "Service")},
        )
        self._listeners = listeners

    async def run(self) -> None:
        """Keep the listeners' status and Services up to date until cancelled."""
        self._listeners.ship_interceptors()
        await super().run()


def _listener_of(record: Record) -> list[tuple[str, str]]:
    name = record.labels.get(LABEL)
    return [(record.namespace, name)] if name else []
