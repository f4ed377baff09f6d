"""Helpers of all tests: wait for a condition, and serve an ASGI application."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from typing import Any

import uvicorn

What = str | Callable[[], object]


def until(holds: Callable[[], Any], seconds: float = 15, what: What = "the condition", pause: float = 0.02) -> Any:
    """Wait until `holds` returns something true, and return it. Raises AssertionError with `what` after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < deadline, _late(what, seconds)
        time.sleep(pause)
    return found


async def until_async(holds: Callable[[], Any], seconds: float = 20, what: What = "the condition") -> Any:
    """`until` for a condition that other tasks of the event loop make true."""
    deadline = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < deadline, _late(what, seconds)
        await asyncio.sleep(0.005)
    return found


@contextmanager
def serving(
    app: Any,
    *,
    sock: socket.socket | None = None,
    loop: asyncio.AbstractEventLoop | None = None,
    around: Callable[[], AbstractAsyncContextManager[object]] | None = None,
    **options: Any,
) -> Iterator[str]:
    """Serve an application in a thread, on a free port of 127.0.0.1 or on a bound socket; the URL.

    The server runs in `loop`, by default a new one. `around` is entered in that loop while it serves. `options` are
    those of `uvicorn.Config`.
    """
    config = uvicorn.Config(app, **{"log_level": "error", "timeout_graceful_shutdown": 1, **options}, port=0)
    server, running = uvicorn.Server(config), loop or asyncio.new_event_loop()

    async def serve() -> None:
        async with (around or _nothing)():
            await server.serve(sockets=[sock] if sock else None)

    thread = threading.Thread(target=running.run_until_complete, args=(serve(),), daemon=True)
    thread.start()
    until(lambda: server.started, 10, "the server has started")
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        if not thread.is_alive():
            running.close()


@asynccontextmanager
async def _nothing() -> AsyncIterator[None]:
    yield


def _late(what: What, seconds: float) -> str:
    return f"not within {seconds} s: {what if isinstance(what, str) else what()}"
