"""Serving the application: TLS on loopback, and an end that does not wait for watchers."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress

import uvicorn
from starlette.types import ASGIApp

from workshop.lab.api.auth import Certificate


class Server:
    """One API server on a socket: `await start()`, then `await stop()`."""

    def __init__(self, app: ASGIApp, certificate: Certificate, *, port: int = 0, host: str = "127.0.0.1") -> None:
        self._socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self._socket.bind((host, port))
        self.port: int = self._socket.getsockname()[1]
        self.url = f"https://{host}:{self.port}"
        self._server = uvicorn.Server(uvicorn.Config(
            app,
            ssl_certfile=certificate.cert,
            ssl_keyfile=certificate.key,
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=1,
        ))
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to answer. Raises OSError, ssl.SSLError."""
        self._server.config.load()
        self._task = asyncio.create_task(self._server._serve([self._socket]))
        while not self._server.started:
            if self._task.done():
                self._task.result()
                raise OSError("the API server ended before it was ready")
            await asyncio.sleep(0.01)

    async def stop(self) -> None:
        """Stop answering; watches end within a second."""
        self._server.should_exit = True
        if self._task:
            with suppress(asyncio.CancelledError):
                await self._task
        self._socket.close()
