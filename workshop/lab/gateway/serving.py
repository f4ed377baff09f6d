"""The gateway's server. It has its own thread and event loop, so requests and reconciles do not delay each other.

It uses uvloop's event loop if it is installed, like uvicorn's own servers.
"""

from __future__ import annotations

import asyncio
import importlib
import socket
import threading

import uvicorn

from workshop.lab.gateway.app import Gateway
from workshop.lab.listening.server import server
from workshop.lab.routes import Routes


def serve(routes: Routes, listening: socket.socket) -> uvicorn.Server:
    """Answer on a socket until the server's `should_exit` is set; `started` says when it does."""
    # As long as the executor keeps idle connections.
    made = server(Gateway(routes), server_header=False, timeout_keep_alive=65)

    def run() -> None:
        loop = _new_loop()
        try:
            loop.run_until_complete(made.serve(sockets=[listening]))
        finally:
            loop.close()

    threading.Thread(target=run, name="gateway", daemon=True).start()
    return made


def _new_loop() -> asyncio.AbstractEventLoop:
    try:
        loop: asyncio.AbstractEventLoop = importlib.import_module("uvloop").new_event_loop()
    except ImportError:
        loop = asyncio.new_event_loop()
    return loop
