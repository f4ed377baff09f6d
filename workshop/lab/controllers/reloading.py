"""Keeps the files of a program as the objects are, and makes it read them again, as Prometheus does at SIGHUP."""

from __future__ import annotations

import os
import signal
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING

from workshop.lab.controllers.loop import Loop
from workshop.lab.kinds import built_in
from workshop.lab.store import Store

if TYPE_CHECKING:
    from workshop.lab.lab import Lab

RETRY_SECONDS = 0.5
_ALL = ("", "")
"""The only key: every pass writes all files."""


def reloader(lab: Lab, name: str) -> Callable[[], bool]:
    """A function that sends SIGHUP. It returns False while the program starts, because the signal would end it."""

    def reload() -> bool:
        part = lab.parts.get(name)
        if part is not None and part.state == "starting":
            return False
        if part is not None and part.state == "ready" and part.pid is not None:
            os.kill(part.pid, signal.SIGHUP)
        return True

    return reload


class Reload:
    """Reloads after a change, and remembers a change that the program was not ready for."""

    def __init__(self, reload: Callable[[], bool]) -> None:
        self._reload, self._wanted = reload, False

    def after(self, changed: bool) -> float | None:
        """Reload if anything changed. Returns the seconds until the next attempt, or None."""
        self._wanted |= changed
        if self._wanted and not self._reload():
            return RETRY_SECONDS
        self._wanted = False
        return None


class Rewriting:
    """The controller of a program's files: after a change to an object of `kinds`, one pass writes them all.

    `write` returns whether the program must reload. `reload` makes it, and returns False when it is not ready yet.
    """

    def __init__(
        self,
        name: str,
        store: Store,
        kinds: Iterable[str],
        write: Callable[[], Awaitable[bool]],
        reload: Callable[[], bool],
    ) -> None:
        self._write, self._reload = write, Reload(reload)
        owned, *others = map(built_in, kinds)
        watches = {kind: lambda _: (_ALL,) for kind in others}
        self._loop = Loop(name, store, self.reconcile, owns=owned, watches=watches)

    async def run(self) -> None:
        """Reconcile until cancelled."""
        self.changed()
        await self._loop.run()

    def settled(self) -> bool:
        """Always true: the program is a component of its own."""
        return True

    def changed(self) -> None:
        """Schedule a pass."""
        self._loop.enqueue(*_ALL)

    async def reconcile(self, namespace: str, name: str) -> float | None:
        """One pass over all objects. Returns the seconds until the next attempt to reload the program."""
        if (namespace, name) != _ALL:
            self._loop.enqueue(*_ALL)
            return None
        return self._reload.after(await self._write())
