"""Accepts connections, gives their requests turns, and ends what takes too long or too much.

Two limits are over all connections of a port. Beyond ``max_connections``, a new connection ends the one that has
waited longest for its caller. Beyond ``max_buffered_bytes`` of request bodies and unread answers, the connection
that has most of them is refused or ended. So a caller with small requests is answered while others fill the limits.
"""

import asyncio
import socket
from collections import deque
from collections.abc import Callable, Coroutine
from contextlib import suppress
from email.utils import formatdate
from time import monotonic
from typing import Any

from modelserver.connection import IDLE, Connection, Pending, reason
from modelserver.errors import ServingError
from modelserver.http import Front, Operation, image_part
from modelserver.shared import READY, Block

IDLE_SECONDS = 75.0
YIELD_SECONDS = 0.002


class Server:
    """One listening socket's connections. ``route`` finds the operation of a path.

    ``block`` is given when other processes accept from the same socket: there they see how many are open here.
    """

    def __init__(self, front: Front, route: Callable[[str], Operation], block: Block | None = None) -> None:
        settings = front.settings
        self.route = route
        self.max_body_bytes = settings.max_body_bytes
        self.max_buffered_bytes = settings.max_buffered_bytes
        self.allow_origin = settings.allow_origin
        self.image_part = image_part(settings.unit_image)
        self.body_timeout = settings.body_timeout
        self.idle_timeout = IDLE_SECONDS
        self.stopping = False
        self._block = block
        self._blocks = front.metrics.shared.blocks
        self.connections: set[Connection] = set()
        self._max_connections = settings.max_connections
        self._full = False
        self._buffered = 0
        self.in_threads = 0
        self._tasks: set[asyncio.Future[None]] = set()
        self._max_concurrency = settings.max_concurrency
        self._drain_timeout = settings.drain_timeout
        self._queue: deque[Connection] = deque()
        self._heads: dict[tuple[int, str], bytes] = {}
        self._common = "x-content-type-options: nosniff\r\n"
        if settings.allow_origin:
            self._common += (
                f"access-control-allow-origin: {settings.allow_origin}\r\n"
                "access-control-allow-headers: content-type, seldon-puid\r\n"
            )
        self._loop: asyncio.AbstractEventLoop
        self._socket: socket.socket
        self._sweeper: asyncio.Task[None]

    def start(self, sock: socket.socket) -> None:
        """Accept from a listening socket that does not block."""
        self._loop = asyncio.get_running_loop()
        self._socket = sock
        self._loop.add_reader(sock, self._accept)
        self._sweeper = self._loop.create_task(self._sweep())

    def _accept(self) -> None:
        """Take one connection, unless another worker has fewer: it gets a moment to take this one."""
        if self._block is not None and self._others_have_fewer(self._block):
            self._loop.remove_reader(self._socket)
            self._loop.call_later(YIELD_SECONDS, self._accept_after_all)
        else:
            self._take()

    def _others_have_fewer(self, block: Block) -> bool:
        return any(other.phase == READY and other.connections < block.connections for other in self._blocks)

    def _accept_after_all(self) -> None:
        if not self.stopping:
            self._loop.add_reader(self._socket, self._accept)
            self._take()

    def _take(self) -> None:
        if len(self.connections) >= self._max_connections and not self._end_longest_waiting():
            # All are being answered: the next ones wait in the backlog.
            self._full = True
            self._loop.remove_reader(self._socket)
            return
        try:
            taken, _ = self._socket.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return
        except OSError:
            # Out of file descriptors, most likely: try again in a while.
            self._end_longest_waiting()
            self._loop.remove_reader(self._socket)
            self._loop.call_later(1, self._accept_again)
            return
        taken.setblocking(False)
        taken.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.keep(self._connect(taken))

    def _accept_again(self) -> None:
        if not self.stopping:
            self._loop.add_reader(self._socket, self._accept)

    def _end_longest_waiting(self) -> bool:
        """End the connection that has waited longest for its caller, idle ones first; False when there is none."""
        waiting = [connection for connection in self.connections if connection.waits_for_caller]
        if not waiting:
            return False
        longest = min(waiting, key=lambda connection: (connection.phase != IDLE, connection.since))
        longest.abort()
        # Closed in the next turn of the event loop, but no longer counted.
        self.connections.discard(longest)
        return True

    def hold(self, size: int) -> None:
        """Count bytes that are kept for a caller; beyond the limit, the connections that have most give theirs back."""
        self._buffered += size
        while self._buffered > self.max_buffered_bytes:
            largest = max(self.connections, key=lambda connection: connection.reclaimable, default=None)
            if largest is None or not largest.reclaimable:
                return
            largest.reclaim()

    def release(self, size: int) -> None:
        """Bytes that are no longer kept."""
        self._buffered -= size

    async def _connect(self, taken: socket.socket) -> None:
        with suppress(OSError):
            await self._loop.connect_accepted_socket(lambda: Connection(self), taken)

    def came(self, connection: Connection) -> None:
        """A connection is open."""
        self.connections.add(connection)
        self._publish_count()

    def went(self, connection: Connection) -> None:
        """A connection is closed."""
        self.connections.discard(connection)
        self._publish_count()
        if self._full:
            self._full = False
            self._accept_again()

    def _publish_count(self) -> None:
        if self._block is not None:
            self._block.connections = len(self.connections)

    def wait_for_turn(self, connection: Connection) -> None:
        """Queue a connection that has a call.

        Everything that arrived in one turn of the event loop is in the queue before the first is answered, so its
        length is the number of callers that wait.
        """
        if not self._queue:
            self._loop.call_soon(self._take_turns)
        self._queue.append(connection)

    def _take_turns(self) -> None:
        queue, self._queue = self._queue, deque()
        room = self._max_concurrency - self.in_threads
        batches: dict[Operation, list[tuple[Connection, Pending]]] = {}
        for connection in queue:
            pending = connection.turn(None if room > 0 else _busy(self._max_concurrency), len(queue) > 1)
            if pending is not None:
                batches.setdefault(pending.operation, []).append((connection, pending))
            room -= 1
        for operation, turns in batches.items():
            answers = operation.answer_batch([pending.call for _, pending in turns])
            for (connection, pending), answer in zip(turns, answers, strict=True):
                connection.finish(pending, answer)

    def keep(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run something that must end before the server may stop."""
        task = self._loop.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def head(self, status: int, content_type: str) -> bytes:
        """The first lines of an answer, made once a second because of the date."""
        known = self._heads.get((status, content_type))
        if known is None:
            text = f"HTTP/1.1 {status} {reason(status)}\r\ndate: {formatdate(usegmt=True)}\r\n"
            if status != 204:
                text += f"content-type: {content_type}\r\n"
            known = self._heads[status, content_type] = (text + self._common).encode("latin-1")
        return known

    async def _sweep(self) -> None:
        while True:
            self._heads.clear()
            now = monotonic()
            for connection in list(self.connections):
                connection.look(now)
            await asyncio.sleep(min(1.0, self.body_timeout / 4))

    async def stop(self) -> None:
        """Accept nothing new, finish what is under way within the drain timeout, and close."""
        self.stopping = True
        self._loop.remove_reader(self._socket)
        self._socket.close()
        end = monotonic() + self._drain_timeout
        while self.connections or self._tasks:
            for connection in list(self.connections):
                if monotonic() < end:
                    connection.stop()
                else:
                    connection.abort()
            if monotonic() > end + 1:
                break
            await asyncio.sleep(0.02)
        self._sweeper.cancel()


def _busy(limit: int) -> ServingError:
    text = f"{limit} requests are under way; try again"
    return ServingError(503, text, reason="MICROSERVICE_BUSY", headers={"retry-after": "1"})
