"""Makes a program of the lab read its files again, as Prometheus and Alertmanager do at SIGHUP."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workshop.lab.lab import Lab

RETRY_SECONDS = 0.5


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
