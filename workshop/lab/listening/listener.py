"""All connections of one port: their number, the bytes of their bodies in memory, and their deadlines."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

from workshop.lab.listening import limits

SWEEP_SECONDS = 1.0
"""Seconds between two checks for overdue connections: one timer for each port instead of one for each request."""

Scope = Any


def buffers_all(_scope: Scope) -> bool:
    """The default of `buffers`: the application keeps every body in memory until it answers."""
    return True


class Member(Protocol):
    """A connection, or one whose TLS handshake is under way. `buffered` are the bytes of its body in memory."""

    loop: asyncio.AbstractEventLoop
    last_received: float
    buffered: int

    @property
    def waits_for_sender(self) -> bool:
        """Whether it waits for data from the client."""
        ...

    @property
    def arrives(self) -> bool:
        """Whether a body is incomplete and the response has not started."""
        ...

    def check_deadline(self, now: float) -> None:
        """End it if it is overdue."""
        ...

    def drop(self) -> None:
        """End it without a response."""
        ...

    def refuse(self, status: int) -> None:
        """End it with an error if a response is possible."""
        ...


class Listener:
    """One port. `buffers` says, for a request's ASGI scope, whether its body is kept in memory as a whole.

    A body that is passed on in parts is bounded by flow control and not counted.
    """

    def __init__(self, buffers: Callable[[Scope], bool] = buffers_all) -> None:
        self.buffers = buffers
        self.buffered = 0
        self.most_connections = limits.connections()
        self._connections: set[Member] = set()
        self._sweeping: asyncio.TimerHandle | None = None

    def admit(self, connection: Member) -> bool:
        """Add a connection. At the limit, close the connection that has waited longest for its client.

        Returns False if no connection waits for its client: then the new one must be refused.
        """
        if len(self._connections) >= self.most_connections:
            waiting = [one for one in self._connections if one.waits_for_sender]
            if not waiting:
                return False
            min(waiting, key=lambda one: one.last_received).drop()
        self._connections.add(connection)
        if self._sweeping is None:
            self._sweeping = connection.loop.call_later(SWEEP_SECONDS, self._sweep, connection.loop)
        return True

    def remove(self, connection: Member) -> None:
        """Remove a connection that has ended or has become a WebSocket."""
        self._connections.discard(connection)
        self.remove_body(connection)

    def add_body(self, connection: Member, size: int) -> None:
        """Count `size` more bytes of a body. Above the limit, refuse the largest body that is still incomplete."""
        connection.buffered += size
        self.buffered += size
        while self.buffered > limits.BUFFERED_BYTES:
            arriving = [one for one in self._connections if one.buffered and one.arrives]
            if not arriving:
                return
            max(arriving, key=lambda one: one.buffered).refuse(503)

    def remove_body(self, connection: Member) -> None:
        """Subtract the body of a connection's request, which is no longer in memory."""
        self.buffered -= connection.buffered
        connection.buffered = 0

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for connection in list(self._connections):
            connection.check_deadline(now)
        self._sweeping = loop.call_later(SWEEP_SECONDS, self._sweep, loop) if self._connections else None
