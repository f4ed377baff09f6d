"""A TCP connection until its TLS handshake is complete: it counts as a connection of its port and has a deadline.

A server of asyncio calls the protocol only after the handshake, so clients that never complete it would be in no limit.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Any, cast

from workshop.lab.listening import limits
from workshop.lab.listening.connection import Connection
from workshop.lab.listening.listener import Listener


class Handshake(asyncio.Protocol):
    """A `Member` of a `Listener`. `make` makes the HTTP connection, which replaces it, from what is `given`."""

    buffered = 0
    arrives = False
    waits_for_sender = True

    def __init__(self, listener: Listener, tls: ssl.SSLContext, make: Callable[..., Connection], **given: Any) -> None:
        self._listener, self._tls = listener, tls
        self._connection = make(**given)
        self._connection.handshake = self
        self.loop = asyncio.get_running_loop()
        self.last_received = self.loop.time()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin the handshake on the transport's socket.

        `start_tls` would need the transport, which may read before the handshake begins. So the transport ends here.
        """
        fileno = transport.get_extra_info("socket").fileno()
        self._socket = socket.socket(fileno=os.dup(fileno))
        cast("asyncio.Transport", transport).abort()
        if self._listener.admit(self):
            self._task = self.loop.create_task(self._run())
        else:
            self._socket.close()

    def check_deadline(self, now: float) -> None:
        """End the connection if the handshake is overdue."""
        if now - self.last_received > limits.HEAD_SECONDS:
            self.drop()

    def drop(self) -> None:
        """End the connection: both directions end, so the handshake fails."""
        self._listener.remove(self)
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def refuse(self, status: int) -> None:
        """End the connection: no response is possible before the handshake."""
        self.drop()

    async def _run(self) -> None:
        try:
            self._socket.setblocking(False)
            await self.loop.connect_accepted_socket(lambda: self._connection, self._socket, ssl=self._tls)
        except OSError:
            self._socket.close()
        finally:
            self._connection.handshake = None
            self._listener.remove(self)
