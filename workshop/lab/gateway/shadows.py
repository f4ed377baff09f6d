"""Copies of requests for shadow predictors.

The gateway does not wait for a copy, and the number of copies in flight is limited. A slow shadow gets fewer copies;
callers are not affected.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable

from workshop.lab.gateway.upstream import Answer
from workshop.lab.routes import Target

AT_ONCE = 32
"""Limit of copies in flight to one shadow. Further copies are dropped."""

log = logging.getLogger("workshop.lab.gateway")


class Shadows:
    """The copies in flight."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._busy: dict[str, int] = {}
        self._logged_at = 0.0
        self.left_out = 0

    def copy(self, target: Target, name: str, send: Callable[[], Awaitable[Answer]]) -> None:
        """Send a copy with the shadow's percentage (`traffic`; 0 or none means every request)."""
        if target.traffic and random.random() * 100 >= target.traffic:  # noqa: S311 sampling, not a secret
            return
        if self._busy.get(name, 0) >= AT_ONCE:
            self._leave_out(name)
            return
        self._busy[name] = self._busy.get(name, 0) + 1
        task = asyncio.get_running_loop().create_task(self._send(name, send))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def close(self) -> None:
        """Cancel the copies in flight."""
        for task in self._tasks:
            task.cancel()

    async def _send(self, name: str, send: Callable[[], Awaitable[Answer]]) -> None:
        try:
            await send()
        finally:
            self._busy[name] -= 1

    def _leave_out(self, name: str) -> None:
        self.left_out += 1
        if time.monotonic() - self._logged_at > 60:
            self._logged_at = time.monotonic()
            log.warning("%s cannot keep up: %d copies were left out so far", name, self.left_out)
