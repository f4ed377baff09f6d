"""Writes of work that runs beside a reconcile.

A reconcile that fails is repeated. Work that has ended, such as a step or a build, is not: if the disk is full just
then, its outcome must be written later, or its object would wait for it forever.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from workshop.lab.api_errors import ApiError, NotFound

FIRST_SECONDS, LONGEST_SECONDS = 0.5, 10.0

log = logging.getLogger("workshop.lab")


async def until_stored(write: Callable[[], object], what: str, *, first: float = FIRST_SECONDS) -> None:
    """Call `write` until the store takes it. Returns when the object is gone.

    The wait before each attempt doubles, from `first` to LONGEST_SECONDS seconds.
    """
    wait = first
    while True:
        try:
            write()
            return
        except NotFound:
            return
        except ApiError as e:
            log.error("%s cannot be stored, again in %g s: %s", what, wait, e)
        await asyncio.sleep(wait)
        wait = min(2 * wait, LONGEST_SECONDS)
