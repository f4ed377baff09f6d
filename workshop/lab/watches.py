"""A subscription to the changes of a store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

from workshop.lab.records import Event, Record

WATCH_BACKLOG = 10_000
"""Events that a watcher may lag behind. A slower watcher is cut off, which bounds its queue."""


class Watch:
    """A subscription. Iterate it for events; close it at the end.

    It ends when the reader lags more than WATCH_BACKLOG events behind; the client then lists again.
    """

    def __init__(self, wanted: Callable[[Record], bool], unsubscribe: Callable[[Watch], None]) -> None:
        self._wanted = wanted
        self._unsubscribe = unsubscribe
        self._queue: asyncio.Queue[Event | None] = asyncio.Queue()
        self._closed = False

    def offer(self, event: Event) -> None:
        """Add an event for the reader; called by the store."""
        if self._closed or not self._wanted(event.record):
            return
        if self._queue.qsize() >= WATCH_BACKLOG:
            self.close()
            return
        self._queue.put_nowait(event)

    async def next(self, timeout: float | None = None) -> Event | None:
        """The next event; None when the watch has ended. Raises TimeoutError after `timeout` seconds."""
        if self._closed and self._queue.empty():
            return None
        return await asyncio.wait_for(self._queue.get(), timeout)

    async def __aiter__(self) -> AsyncIterator[Event]:
        while (event := await self.next()) is not None:
            yield event

    def close(self) -> None:
        """Stop receiving. A waiting reader is released."""
        if not self._closed:
            self._closed = True
            self._unsubscribe(self)
            self._queue.put_nowait(None)
