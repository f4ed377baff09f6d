"""The work loop of every controller: keys in, reconciles out, as in a Kubernetes controller.

A key is (namespace, name) of an object of the kind that the controller owns. A key is queued once, however many events
name it. One reconcile runs for a key at a time; different keys run concurrently. A reconcile reads the store, not the
event, so it must be correct whatever events were missed. A start, also after kill -9, queues every object.

There are no finalizers: the reconcile of a deleted object's key finds nothing in the store and cleans up. The order of
keys is undefined.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Protocol

from workshop.lab.api_errors import Conflict
from workshop.lab.kinds import Kind
from workshop.lab.records import Record
from workshop.lab.store import Store
from workshop.lab.watches import Watch

Key = tuple[str, str]
Reconcile = Callable[[str, str], Awaitable[float | None]]
Mapper = Callable[[Record], Iterable[Key]]

FIRST_RETRY_SECONDS = 0.1
LONGEST_RETRY_SECONDS = 30.0


class Controller(Protocol):
    """What the lab runs: a loop, or several with what they share."""

    async def run(self) -> None:
        """Reconcile until cancelled, then stop what the reconciles started."""
        ...

    def settled(self) -> bool:
        """Whether what an earlier lab left is as it was before: the lab is ready when all controllers are."""
        ...


class Loop:
    """Reconciles the objects of one kind.

    `reconcile(namespace, name)` returns the seconds after which to come again, or None. An exception is
    logged and the key tried again, each time after twice the wait; a Conflict is no error, the key is tried
    again at once. `watches` maps other kinds to the keys that a change of theirs concerns (Pod to owner).
    """

    def __init__(
        self,
        name: str,
        store: Store,
        reconcile: Reconcile,
        *,
        owns: Kind,
        watches: Mapping[Kind, Mapper] | None = None,
    ) -> None:
        self.name = name
        self._store = store
        self._reconcile = reconcile
        self._owns = owns
        self._mappers = {kind.resource: mapper for kind, mapper in (watches or {}).items()}
        of_owned = self._mappers.get(owns.resource)
        self._mappers[owns.resource] = (lambda r: [*_itself(r), *of_owned(r)]) if of_owned else _itself
        self._waiting: set[Key] = set()
        self._workers: dict[Key, asyncio.Task[None]] = {}
        self._timers: dict[Key, asyncio.TimerHandle] = {}
        self._failures: dict[Key, int] = {}
        self._log = logging.getLogger(f"workshop.lab.{name}")
        self._stopped = False

    async def run(self) -> None:
        """Work until cancelled; running reconciles are cancelled as well."""
        self._stopped = False
        try:
            while True:
                watch = self._store.watch(lambda record: record.kind.resource in self._mappers)
                try:
                    self.resync()
                    await self._follow(watch)
                finally:
                    watch.close()
        finally:
            await self._stop()

    def settled(self) -> bool:
        """Always: a loop starts nothing that takes time."""
        return True

    def enqueue(self, namespace: str, name: str) -> None:
        """Queue this key; several calls before its reconcile make one reconcile."""
        key = (namespace, name)
        if self._stopped:
            return
        self._waiting.add(key)
        timer = self._timers.pop(key, None)
        if timer:
            timer.cancel()
        if key not in self._workers:
            self._workers[key] = asyncio.get_running_loop().create_task(self._work(key))

    def enqueue_after(self, seconds: float, namespace: str, name: str) -> None:
        """Queue this key after a delay, unless it is queued earlier."""
        key = (namespace, name)
        old = self._timers.pop(key, None)
        if old:
            old.cancel()
        self._timers[key] = asyncio.get_running_loop().call_later(seconds, self.enqueue, namespace, name)

    def resync(self) -> None:
        """Queue every object of the kind."""
        for record in self._store.records(self._owns):
            self.enqueue(record.namespace, record.name)

    async def _follow(self, watch: Watch) -> None:
        """Turn events into keys; returns when the watch is cut off, and the caller lists again."""
        async for event in watch:
            record = event.record
            try:
                keys = list(self._mappers[record.kind.resource](record))
            except Exception:
                self._log.exception(
                    "%s: no reconcile for %s %s/%s", self.name, record.kind.kind, record.namespace, record.name
                )
                continue
            for namespace, name in keys:
                self.enqueue(namespace, name)

    async def _work(self, key: Key) -> None:
        try:
            while key in self._waiting:
                self._waiting.discard(key)
                again = await self._once(key)
                if again is not None and key not in self._waiting:
                    self.enqueue_after(max(again, 0.0), *key)
        finally:
            self._workers.pop(key, None)

    async def _once(self, key: Key) -> float | None:
        try:
            again = await self._reconcile(*key)
        except Conflict:
            return 0.0
        except Exception:
            failures = self._failures[key] = self._failures.get(key, 0) + 1
            wait: float = min(FIRST_RETRY_SECONDS * 2.0 ** (failures - 1), LONGEST_RETRY_SECONDS)
            self._log.exception("%s: reconcile of %s/%s failed, again in %.1f s", self.name, *key, wait)
            return wait
        self._failures.pop(key, None)
        return again

    async def _stop(self) -> None:
        self._stopped = True
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        self._waiting.clear()
        workers = list(self._workers.values())
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)


def _itself(record: Record) -> Iterable[Key]:
    return ((record.namespace, record.name),)
