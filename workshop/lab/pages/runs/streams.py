"""Server-sent events that notify a page of changes; the page then requests its parts again.

A notification has no content, so a hundred open pages cost a hundred small messages. Changes close together are one
notification. The HTTP response cuts off a reader that is too slow, and its browser reconnects by itself.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable

from workshop.lab.records import Record
from workshop.lab.store import Store

KEEP_ALIVE = 15.0
"""After this many seconds of silence, a comment is sent to keep the connection alive."""
GATHER = 0.25
"""Seconds in which changes are collected into one notification."""
RETRY = b"retry: 1000\n\n"
MEDIA_TYPE = "text/event-stream"


def still_here() -> bytes:
    """A comment, which browsers ignore."""
    return b": still here\n\n"


async def notifications(store: Store, wanted: Callable[[Record], bool]) -> AsyncGenerator[bytes]:
    """A notification at once and after each change of a wanted object; ends when the store closes.

    The first one makes a page that reconnects, maybe to a restarted lab, request its parts again.
    """
    subscription = store.watch(wanted)
    try:
        yield RETRY + _notification(store)
        while True:
            try:
                if await subscription.next(KEEP_ALIVE) is None:
                    return
            except TimeoutError:
                yield still_here()
                continue
            until = time.monotonic() + GATHER
            while (left := until - time.monotonic()) > 0:
                try:
                    if await subscription.next(left) is None:
                        return
                except TimeoutError:
                    break
            yield _notification(store)
    finally:
        subscription.close()


def _notification(store: Store) -> bytes:
    return f"event: changed\ndata: {store.version}\n\n".encode()
