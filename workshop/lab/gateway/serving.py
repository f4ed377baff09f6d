"""The gateway's server: a thread and an event loop of its own, so that neither waits for a reconcile.

The loop is uvloop's where there is one, as with uvicorn's own servers.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import socket
import threading
from collections.abc import Iterator

import uvicorn

from workshop.lab.gateway.app import Gateway
from workshop.lab.http_timeouts import Http
from workshop.lab.routes import Routes


class _Server(uvicorn.Server):
    """Uvicorn without its own signal handlers: those are for main threads."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def serve(routes: Routes, listening: socket.socket) -> uvicorn.Server:
    """Answer on a socket until the server's `should_exit` is set; `started` says when it does."""
    server = _Server(
        uvicorn.Config(
            Gateway(routes),
            http=Http,
            log_level="warning",
            access_log=False,
            interface="asgi3",
            server_header=False,
            proxy_headers=False,
            # As long as the executor keeps idle connections.
            timeout_keep_alive=65,
            timeout_graceful_shutdown=2,
        )
    )

    def run() -> None:
        loop = _new_loop()
        try:
            loop.run_until_complete(server.serve(sockets=[listening]))
        finally:
            loop.close()

    threading.Thread(target=run, name="gateway", daemon=True).start()
    return server


def _new_loop() -> asyncio.AbstractEventLoop:
    try:
        loop: asyncio.AbstractEventLoop = importlib.import_module("uvloop").new_event_loop()
    except ImportError:
        loop = asyncio.new_event_loop()
    return loop
