"""All connections of one port: how many there are, how many bytes of bodies they hold, which are overdue."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from workshop.lab.listening import limits

if TYPE_CHECKING:
    from workshop.lab.listening.connection import Connection

SWEEP_SECONDS = 1.0
"""How often connections are looked through for overdue ones: one timer a port instead of one a request."""

Scope = Any


def buffers_all(_scope: Scope) -> bool:
    """The application keeps every body in memory until it answers."""
    return True


class Listener:
    """One port. `buffers` says of a request's ASGI scope whether its body is kept in memory as a whole.

    A body that is passed on in parts is bounded by flow control and not counted.
    """

    def __init__(self, buffers: Callable[[Scope], bool] = buffers_all) -> None:
        self.buffers = buffers
        self.buffered = 0
        self.most_connections = limits.connections()
        self._connections: set[Connection] = set()
        self._sweeping: asyncio.TimerHandle | None = None

    def admit(self, connection: Connection) -> bool:
        """Add a connection; at the limit the one that waits the longest for its sender is closed for it.

        False when none waits for its sender: then the new one has to go.
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

    def remove(self, connection: Connection) -> None:
        """Forget a connection that has ended or has become a WebSocket."""
        self._connections.discard(connection)
        self.release(connection)

    def hold(self, connection: Connection, size: int) -> None:
        """Count `size` further bytes of a body; above the limit the largest body that still arrives is refused."""
        connection.buffered += size
        self.buffered += size
        while self.buffered > limits.BUFFERED_BYTES:
            arriving = [one for one in self._connections if one.buffered and one.arrives]
            if not arriving:
                return
            max(arriving, key=lambda one: one.buffered).refuse(503)

    def release(self, connection: Connection) -> None:
        """The body of a connection's request is no longer in memory."""
        self.buffered -= connection.buffered
        connection.buffered = 0

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for connection in list(self._connections):
            connection.check_deadline(now)
        self._sweeping = loop.call_later(SWEEP_SECONDS, self._sweep, loop) if self._connections else None
