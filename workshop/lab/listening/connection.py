"""One connection: uvicorn's HTTP/1.1 protocol with the limits of `limits`.

It differs from uvicorn in two more points. Trailers are not added to the headers of a request that the application
already has (RFC 9110, 6.5.1). A request to upgrade to an unsupported protocol, such as `Upgrade: h2c`, is answered as a
request without the upgrade (RFC 9110, 7.8): uvicorn reads its body as the next request.
"""

from __future__ import annotations

import asyncio
import enum
from http import HTTPStatus
from typing import Any

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from workshop.lab.listening import limits
from workshop.lab.listening.listener import Listener, Member

LINGER_SECONDS = 1.0
"""Seconds for which a refused client is still read from, so that it receives the response before the end."""
PART_BYTES = 16 * 1024
"""Bytes of one parsed part. After the last event in a part, its remaining bytes are not counted."""
_NOT_PASSED_ON = (b"upgrade", b"http2-settings")


class Phase(enum.Enum):
    """The state of a connection."""

    IDLE = "the next request"
    HEAD = "the rest of a request's head"
    BODY = "the rest of a request's body"
    ANSWER = "the application"
    REFUSED = "its end"


class Connection(HttpToolsProtocol):
    """A connection of a `Listener`."""

    def __init__(
        self,
        listener: Listener,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        # Create the parser later: if the TLS handshake fails, the two would be a reference cycle.
        self.parser = None  # type: ignore[assignment]
        self.listener = listener
        self.buffered = 0
        self.last_received = self.loop.time()
        self.phase = Phase.HEAD
        self._phase_began = self.last_received
        self._received = 0
        self._unparsed = 0
        self._counted = False
        self._in_head = False
        self.handshake: Member | None = None
        """The TLS handshake that this connection replaces."""

    # -- for the listener ----------------------------------------------------------------------------------------

    @property
    def waits_for_sender(self) -> bool:
        """Whether the connection waits for data from the client."""
        return self.phase in (Phase.IDLE, Phase.HEAD) or (self.arrives and not self.flow.read_paused)

    @property
    def arrives(self) -> bool:
        """Whether a body is incomplete and the response has not started."""
        return self.phase is Phase.BODY and not self._answering()

    def check_deadline(self, now: float) -> None:
        """End the connection if its head or body is overdue."""
        waited = now - self._phase_began
        if self.phase is Phase.HEAD and waited > limits.HEAD_SECONDS:
            self.drop()
        elif self.phase is Phase.BODY:
            if self.flow.read_paused:
                self._phase_began = now  # The application reads slowly; the client does not send slowly.
            elif waited > limits.BODY_SECONDS + self._received / limits.BODY_BYTES_PER_SECOND:
                self.refuse(408)

    def drop(self) -> None:
        """End the connection without a response."""
        self.phase = Phase.REFUSED
        self.listener.remove(self)
        self.transport.abort()

    def refuse(self, status: int) -> None:
        """Send an error instead of the application's response and end the connection.

        If the response has started, the connection ends without an error.
        """
        if self._answering() or self.transport.is_closing():
            self.drop()
            return
        self.phase = Phase.REFUSED
        self.listener.remove_body(self)
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        phrase = HTTPStatus(status).phrase
        head = (
            f"HTTP/1.1 {status} {phrase}\r\ncontent-type: text/plain; charset=utf-8\r\n"
            f"content-length: {len(phrase)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write((head + phrase).encode())
        self.flow.resume_reading()
        self.loop.call_later(LINGER_SECONDS, self.transport.abort)

    # -- uvicorn's protocol --------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if self.handshake is not None:
            self.listener.remove(self.handshake)
            self.handshake = None
        self._begin_parsing()
        if not self.listener.admit(self):
            self.refuse(503)

    def connection_lost(self, exc: Exception | None) -> None:
        self.listener.remove(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.phase is Phase.REFUSED:
            return
        self._unset_keepalive_if_required()
        self.last_received = self.loop.time()
        if len(data) <= PART_BYTES:
            self._parse(data, b"")
            return
        for at in range(0, len(data), PART_BYTES):
            if not self._parse(data[at : at + PART_BYTES], data[at + PART_BYTES :]):
                return

    def handle_websocket_upgrade(self) -> None:
        self.listener.remove(self)
        super().handle_websocket_upgrade()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head = True
        if self.phase in (Phase.IDLE, Phase.HEAD):
            self.phase = Phase.HEAD
            self._phase_began = self.last_received

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._in_head = False
        if self.phase is Phase.REFUSED or (self.parser.should_upgrade() and not self._should_upgrade()):
            return
        if self._unparsed > limits.HEAD_BYTES and self._head_size() > limits.HEAD_BYTES:
            self.refuse(431)
            return
        self._unparsed = 0
        self._phase_began, self._received = self.last_received, 0
        self.phase = Phase.BODY
        super().on_headers_complete()
        self._counted = "path" in self.scope and self.listener.buffers(self.scope)

    def on_body(self, body: bytes) -> None:
        self._unparsed = 0
        if self.phase is Phase.REFUSED:
            return
        self._received += len(body)
        super().on_body(body)
        if self._counted and not self.cycle.response_complete:
            self.listener.add_body(self, len(body))

    def on_message_complete(self) -> None:
        self._unparsed = 0
        if self.phase is Phase.REFUSED or (self.parser.should_upgrade() and not self._should_upgrade()):
            return
        self.phase = Phase.IDLE if self.cycle is None or self.cycle.response_complete else Phase.ANSWER
        super().on_message_complete()

    def on_response_complete(self) -> None:
        if self.buffered:
            self.listener.remove_body(self)
        if self.phase is Phase.ANSWER:
            self.phase = Phase.ANSWER if self.pipeline else Phase.HEAD if self._in_head else Phase.IDLE
            self._phase_began = self.loop.time()
        super().on_response_complete()

    def _parse(self, part: bytes, rest: bytes) -> bool:
        """Parse a part of the received data. Returns False if `rest`, the data after it, is already processed."""
        if self.phase is Phase.REFUSED:
            return False
        self._unparsed += len(part)
        try:
            self.parser.feed_data(part)
        except httptools.HttpParserUpgrade as e:
            self._upgrade(part[e.args[0] :] + rest)
            return False
        except httptools.HttpParserError:
            self.refuse(400)
            return False
        if self._unparsed and self.phase is Phase.IDLE:
            self.phase, self._phase_began = Phase.HEAD, self.last_received
        if self._unparsed > limits.HEAD_BYTES and self.phase is not Phase.REFUSED:
            self.refuse(431)
        return True

    # -- upgrades ------------------------------------------------------------------------------------------------

    def _upgrade(self, rest: bytes) -> None:
        if self.phase is Phase.REFUSED:
            return
        if self._should_upgrade():
            self.handle_websocket_upgrade()
        elif self.parser.get_method() == b"CONNECT":
            self.refuse(405)
        else:
            self._ignore_upgrade(rest)

    def _ignore_upgrade(self, rest: bytes) -> None:
        """Parse the request again without the upgrade."""
        version = self.parser.get_http_version().encode()
        head = [b"%s %s HTTP/%s\r\n" % (self.parser.get_method(), self.url, version)]
        for name, value in self.headers:
            if name == b"connection":
                value = b", ".join(
                    word for word in map(bytes.strip, value.split(b",")) if word.lower() not in _NOT_PASSED_ON
                )
            if name not in _NOT_PASSED_ON and (value or name != b"connection"):
                head.append(b"%s: %s\r\n" % (name, value))
        self._begin_parsing()
        self._unparsed = 0
        self.data_received(b"".join(head) + b"\r\n" + rest)

    def _begin_parsing(self) -> None:
        self.parser = httptools.HttpRequestParser(self)
        # As uvicorn does: a request that was pipelined behind one that closes is not an error.
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)

    def _answering(self) -> bool:
        """Whether a response has started and has not ended."""
        return self.cycle is not None and self.cycle.response_started and not self.cycle.response_complete

    def _head_size(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
