"""Triggers as the supervisor starts it: the application that takes events, and the loop that shows listeners."""

from __future__ import annotations

from workshop.lab.controllers.loop import Loop
from workshop.lab.controllers.triggers.listeners import LABEL, Listeners
from workshop.lab.controllers.triggers.logbook import Logbook
from workshop.lab.controllers.triggers.sink import Sink
from workshop.lab.kinds import built_in
from workshop.lab.paths import LabPaths
from workshop.lab.store import Record, Store


class Triggers:
    """Serve `app` at `url` (http://127.0.0.1:port) and await `run`; `stop` waits for events in progress."""

    def __init__(self, store: Store, state: LabPaths, url: str) -> None:
        logbook = Logbook(state)
        self.app = Sink(store, logbook)
        self._listeners = Listeners(store, url, logbook)
        self._loop = Loop(
            "triggers",
            store,
            self._listeners.reconcile,
            owns=built_in("EventListener"),
            watches={built_in(kind): _listener_of for kind in ("Deployment", "Pod", "Service")},
        )

    async def run(self) -> None:
        """Keep the listeners' status and Services up to date until cancelled."""
        self._listeners.ship_interceptors()
        await self._loop.run()

    async def stop(self) -> None:
        """Wait for events in progress."""
        await self.app.close()


def _listener_of(record: Record) -> list[tuple[str, str]]:
    name = record.labels.get(LABEL)
    return [(record.namespace, name)] if name else []
