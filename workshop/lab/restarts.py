"""Keeps the lab's own tasks running: one that raises is logged and starts again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

FIRST_WAIT_SECONDS = 1.0
LONGEST_WAIT_SECONDS = 60.0

log = logging.getLogger("workshop.lab")


async def keep_running(
    run: Callable[[], Awaitable[None]],
    name: str,
    *,
    first: float = FIRST_WAIT_SECONDS,
    longest: float = LONGEST_WAIT_SECONDS,
) -> None:
    """Await `run()`; when it raises, log the exception and call it again. Returns when it returns.

    The wait before each start doubles, from `first` to `longest` seconds. Kubernetes restarts a controller manager
    whose controller has crashed in the same way.
    """
    wait = first
    while True:
        try:
            return await run()
        except Exception:
            log.exception("%s has failed and starts again in %g s", name, wait)
        await asyncio.sleep(wait)
        wait = min(wait * 2, longest)
