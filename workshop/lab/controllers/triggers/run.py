"""Triggers as the supervisor starts it: the application that takes events, and the loop that shows listeners."""

from __future__ import annotations

from workshop.lab.controllers.loop import Loop
from workshop.lab.controllers.triggers.listeners import Listeners
from workshop.lab.controllers.triggers.sink import Sink
from workshop.lab.kinds import KINDS
from workshop.lab.store import Record, Store


class Triggers:
    """Serve `app` at `url` (http://127.0.0.1:port) and await `run`; `stop` waits for the events under way."""

    def __init__(self, store: Store, url: str) -> None:
        self.app = Sink(store)
        self._listeners = Listeners(store, url)
        self._loop = Loop(
            "triggers",
            store,
            self._listeners.reconcile,
            owns=KINDS.named("EventListener"),
            watches={KINDS.named("Service"): _listener_of},
        )

    async def run(self) -> None:
        """Keep the listeners' status and Services until cancelled."""
        self._listeners.ship_interceptors()
        await self._loop.run()

    async def stop(self) -> None:
        """Let the events under way end."""
        await self.app.close()


def _listener_of(record: Record) -> list[tuple[str, str]]:
    name = record.labels.get("eventlistener")
    return [(record.namespace, name)] if name else []
