"""Calls to model servers: a minimal HTTP/1.1 client over persistent connections.

A general client and a framework's routing cost more than the prediction: 0.48 ms of a core for each request with
aiohttp and Starlette, 0.18 ms with this client and plain ASGI. It leaves out what a model server on 127.0.0.1 does not
use: TLS, redirects, cookies, HTTP/2, and compression that the caller did not ask for.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import Any, cast

import httptools

CONNECT_SECONDS = 2.0
IDLE_CONNECTIONS = 64
"""Idle connections kept for each port; further ones are closed after their answer."""

Headers = list[tuple[bytes, bytes]]


@dataclass
class Answer:
    """A server's answer. Header names are lower case."""

    status: int = 0
    headers: Headers = field(default_factory=list)
    body: bytes = b""

    def header(self, name: bytes) -> bytes:
        """The first value of a header, or an empty string."""
        return next((value for key, value in self.headers if key == name), b"")


class Broken(Exception):
    """The connection ended before the answer was complete."""


class Refused(Broken):
    """The connection could not be made; nothing was sent."""


class Upstream:
    """The connections to all model servers."""

    def __init__(self) -> None:
        self._idle: dict[int, deque[_Connection]] = {}
        self._open: set[_Connection] = set()
        self.busy: dict[int, int] = {}
        """Calls in flight, by port."""

    async def call(
        self,
        port: int,
        method: str,
        target: bytes,
        headers: Headers,
        body: bytes,
        seconds: float,
        *,
        fresh: bool = False,
    ) -> Answer:
        """One request and its answer. `fresh` uses a new connection, which the server cannot be closing at that moment.

        Raises Refused, Broken, TimeoutError.
        """
        head = bytearray(b"%s %s HTTP/1.1\r\nhost: 127.0.0.1:%d\r\n" % (method.encode(), target, port))
        for name, value in headers:
            head += b"%s: %s\r\n" % (name, value)
        if body or method not in ("GET", "HEAD"):
            head += b"content-length: %d\r\n" % len(body)
        head += b"\r\n"
        head += body
        self.busy[port] = self.busy.get(port, 0) + 1
        try:
            connection = None if fresh else self._kept(port)
            if connection is not None:
                try:
                    answer = await connection.exchange(head, method == "HEAD", seconds)
                except Broken:
                    # The server usually closed it while it was idle. Any other fault shows on a new connection.
                    connection = None
            if connection is None:
                connection = await self._connect(port)
                answer = await connection.exchange(head, method == "HEAD", seconds)
        finally:
            self._ended(port)
        self._keep(port, connection)
        return answer

    def close(self) -> None:
        """Close every connection; calls in flight fail."""
        for connection in list(self._open):
            connection.close()
        self._idle.clear()

    def _ended(self, port: int) -> None:
        left = self.busy[port] - 1
        if left:
            self.busy[port] = left
        else:
            del self.busy[port]

    def _kept(self, port: int) -> _Connection | None:
        idle = self._idle.get(port)
        while idle:
            connection = idle.pop()
            if connection.usable:
                return connection
        self._idle.pop(port, None)
        return None

    def _keep(self, port: int, connection: _Connection) -> None:
        idle = self._idle.setdefault(port, deque())
        if connection.usable and len(idle) < IDLE_CONNECTIONS:
            idle.append(connection)
        else:
            connection.close()

    async def reach(self, port: int) -> None:
        """Open and close a connection. Raises Refused when nothing accepts it."""
        (await self._connect(port)).close()

    async def _connect(self, port: int) -> _Connection:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                _, connection = await loop.create_connection(lambda: _Connection(loop, self._open), "127.0.0.1", port)
        except (OSError, TimeoutError) as e:
            raise Refused(f"dial tcp 127.0.0.1:{port}: {e.strerror if isinstance(e, OSError) else 'timeout'}") from e
        return connection


class _Connection(asyncio.Protocol):
    """One connection with one exchange at a time."""

    def __init__(self, loop: asyncio.AbstractEventLoop, registry: set[_Connection]) -> None:
        self._loop, self._registry = loop, registry
        self._transport: asyncio.Transport | None = None
        self._parser: Any = None
        self._waiting: asyncio.Future[Answer] | None = None
        self._answer = Answer()
        self._parts: list[bytes] = []
        self._headless = False
        self.usable = True

    # -- called by asyncio

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # No isinstance check: uvloop's transports are not subclasses of asyncio's.
        self._transport = cast("asyncio.Transport", transport)
        self._registry.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.usable = False
        self._registry.discard(self)
        if self._waiting is not None and not self._waiting.done():
            if self._parser is not None and self._until_end():
                self.on_message_complete()
            else:
                self._waiting.set_exception(Broken(str(exc or "EOF")))

    def data_received(self, data: bytes) -> None:
        if self._waiting is None or self._waiting.done():
            # An answer without a request.
            self.close()
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as e:
            self._waiting.set_exception(Broken(f"malformed HTTP response: {e}"))
            self.close()

    # -- called by the parser

    def on_header(self, name: bytes, value: bytes) -> None:
        self._answer.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        if self._headless:
            # The answer to HEAD has no body, whatever its Content-Length.
            self.on_message_complete()

    def on_body(self, body: bytes) -> None:
        self._parts.append(body)

    def on_message_complete(self) -> None:
        if self._waiting is None or self._waiting.done():
            return
        answer = self._answer
        answer.status = self._parser.get_status_code()
        if 100 <= answer.status < 200:
            # An interim answer; the final one follows.
            self._begin()
            return
        answer.body = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        if self._headless or not self._parser.should_keep_alive():
            self.usable = False
        self._waiting.set_result(answer)

    # -- called by the pool

    async def exchange(self, message: bytes | bytearray, headless: bool, seconds: float) -> Answer:
        """Send a request and wait for its answer. Raises Broken or TimeoutError and closes the connection then."""
        self._headless = headless
        self._begin()
        waiting = self._waiting = self._loop.create_future()
        if self._transport is None or self._transport.is_closing():
            raise Broken("closed")
        self._transport.write(message)
        timer = self._loop.call_later(seconds, self._too_late)
        try:
            answer: Answer = await waiting
            return answer
        except BaseException:
            self.close()
            raise
        finally:
            timer.cancel()
            self._waiting = None

    def close(self) -> None:
        """Close it; an exchange in flight fails."""
        self.usable = False
        if self._transport is not None:
            self._transport.close()

    def _begin(self) -> None:
        self._answer, self._parts = Answer(), []
        self._parser = httptools.HttpResponseParser(self)

    def _until_end(self) -> bool:
        """Whether the end of the connection ends the body: the headers are complete and state no length."""
        names = {name for name, _ in self._answer.headers}
        return bool(self._parser.get_status_code()) and not names & {b"content-length", b"transfer-encoding"}

    def _too_late(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(TimeoutError())
