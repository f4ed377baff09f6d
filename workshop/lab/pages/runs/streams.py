"""Server-sent events that say "something changed": an open page then asks for its parts again.

A notice carries nothing, so a hundred open pages cost a hundred small messages, and changes that come close
together are one notice. A reader that is too slow is cut off by the answer that carries the stream, and its
browser comes back by itself.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable

from workshop.lab.store import Record, Store

KEEP_ALIVE = 15.0
"""Seconds of silence after which a comment shows that the line is alive."""
GATHER = 0.25
"""Seconds in which changes are gathered into one notice."""
RETRY = b"retry: 1000\n\n"
MEDIA_TYPE = "text/event-stream"


def still_here() -> bytes:
    """A comment, which browsers ignore."""
    return b": still here\n\n"


async def notices(store: Store, wanted: Callable[[Record], bool]) -> AsyncGenerator[bytes]:
    """A notice at once and after each change of a wanted object; ends when the store closes.

    The first one makes a page that reconnects, maybe to a lab that has started again, ask anew.
    """
    subscription = store.watch(wanted)
    try:
        yield RETRY + _notice(store)
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
            yield _notice(store)
    finally:
        subscription.close()


def _notice(store: Store) -> bytes:
    return f"event: changed\ndata: {store.version}\n\n".encode()
