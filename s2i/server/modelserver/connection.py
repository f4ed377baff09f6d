"""HTTP/1.1 on one connection: llhttp parses (by httptools), this class keeps the limits and writes the answers.

Why not a general server: a prediction takes 0.02 ms, and uvicorn's scope, task and messages for each request
take more than that. Handlers that are plain functions need none of them. Measured with an empty answer: 45 us of
a busy core a request in uvicorn, 10 us here.

The rules: answers leave in the order of the requests. A request that is refused before its body has arrived is
answered at once; the rest of it is read and dropped, so that the caller can read the answer. Anything that is not
HTTP is a 400 and closes the connection. Source: RFC 9112.

Everything that a caller can make the server keep is bounded: the head, trailers and chunk sizes by
``MAX_HEAD_BYTES``, one body by ``max_body_bytes``, and the bodies and unread answers of all connections together
by ``max_buffered_bytes`` (see ``Server.hold``).
"""

import asyncio
import re
from collections import deque
from collections.abc import Mapping
from http import HTTPStatus
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple, cast
from urllib.parse import unquote_to_bytes

import httptools

from modelserver.errors import ServingError, shown
from modelserver.http import JSON, NO_HEADERS, Answer, Call, Operation

if TYPE_CHECKING:
    from modelserver.server import Server

MAX_HEAD_BYTES = 64 * 1024
MAX_PIPELINED = 64
CLOSE = {"connection": "close"}
RETRY = {"retry-after": "1"}
BOUNDARY = re.compile(rb';?\s*boundary="?([^";\s]+)', re.IGNORECASE)

IDLE, HEAD, BODY, LAST = range(4)
"""The state of a connection: between requests, within a head, within a body, or after its last request."""


class Pending(NamedTuple):
    """A call that waits for its turn. ``stays``: the connection stays open. ``error``: why the call is refused."""

    operation: Operation
    call: Call
    stays: bool
    error: ServingError | None = None


class Connection(asyncio.Protocol):
    """One caller's connection. All methods run in the event loop's thread."""

    def __init__(self, server: "Server") -> None:
        self._server = server
        self._transport: asyncio.Transport
        self._parser = httptools.HttpRequestParser(self)
        self.phase = IDLE
        self.since = monotonic()
        self._calls: deque[Pending] = deque()
        self._queued = False
        self._answering = False
        self._paused = False
        self._unsent = 0
        self._ended = False
        self._complete = 0
        self._reset()

    def _reset(self) -> None:
        self._url = b""
        self._framing = 0
        self._length = 0
        self._puid = b""
        self._content_type = b""
        self._binary_from = b""
        self._authorization = b""
        self._encoding = b""
        self._site = b""
        self._origin = b""
        self._expects = False
        self._parts: list[bytes] = []
        self._size = 0
        self._unread = 0

    # The transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection is open."""
        self._transport = cast(asyncio.Transport, transport)
        self._server.came(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is closed; calls that wait are dropped."""
        self._drop_body()
        self._server.release(sum(len(pending.call.body) for pending in self._calls) + self._unsent)
        self._unsent = 0
        self._calls.clear()
        self._server.went(self)

    def eof_received(self) -> bool:
        """The caller sends no more: the connection stays open until its calls are answered."""
        self._drop_body()
        self.phase, self._ended = LAST, True
        return bool(self._calls or self._answering)

    def pause_writing(self) -> None:
        """The caller does not read its answers: no request is read or answered until it does."""
        self._paused, self.since = True, monotonic()
        self._unsent = self._transport.get_write_buffer_size()
        self._read_or_wait()
        self._server.hold(self._unsent)

    def resume_writing(self) -> None:
        """The caller reads again."""
        self._paused, self.since = False, monotonic()
        self._server.release(self._unsent)
        self._unsent = 0
        self._read_or_wait()
        self._ask_for_turn()

    def _read_or_wait(self) -> None:
        """Read further requests unless answers or many calls wait on this connection."""
        if self._transport.is_closing():
            return
        if self._paused or len(self._calls) > MAX_PIPELINED or self._waiting_bytes > self._server.max_body_bytes:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    @property
    def _waiting_bytes(self) -> int:
        return sum(len(pending.call.body) for pending in self._calls)

    def data_received(self, data: bytes) -> None:
        """Bytes of a head or of a body; after the last request they are dropped."""
        if self.phase == LAST:
            return
        if self.phase == IDLE:
            self.phase, self.since = HEAD, monotonic()
        if self._unread:
            data = self._read_past_the_parser(data)
        complete, size = self._complete, self._size
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._pass_over(data[upgrade.args[0] :])
        except httptools.HttpParserError as error:
            self._refuse(400, f"this is not HTTP: {error}")
        if self.phase in (HEAD, BODY) and complete == self._complete:
            # Everything but the body: head, chunk sizes, trailers. The parser keeps a field until it is complete.
            self._framing += len(data) - (self._size - size)
            if self._framing > MAX_HEAD_BYTES + self._size:
                self._refuse(431, f"the head or the trailers of the request are larger than {MAX_HEAD_BYTES} bytes")

    def _pass_over(self, rest: bytes) -> None:
        """Ignore ``Upgrade``, as RFC 9110 (7.8) allows, and go on with HTTP/1.1.

        Java's client asks for HTTP/2 with its first request. The parser treats the upgrade as accepted and reads no
        body after it, so the body is read here.
        """
        if self._length and self.phase == BODY:
            self._unread = self._length
        else:
            self._parser = httptools.HttpRequestParser(self)
        if rest:
            self.data_received(rest)

    def _read_past_the_parser(self, data: bytes) -> bytes:
        body, rest = data[: self._unread], data[self._unread :]
        self._unread -= len(body)
        self.on_body(body)
        if not self._unread:
            self.on_message_complete()
            self._parser = httptools.HttpRequestParser(self)
        return rest

    # The parser

    def on_message_begin(self) -> None:
        """A further request may begin in the same bytes as the last one ended."""
        if self.phase == IDLE:
            self.phase, self.since = HEAD, monotonic()

    def on_url(self, url: bytes) -> None:
        """A part of the target."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """A field of the head. Only what is used is kept; trailers are ignored."""
        if self.phase != HEAD:
            return
        name = name.lower()
        if name == b"content-length":
            # The parser has refused anything that is not a number.
            self._length = int(value)
        elif name == b"content-type":
            self._content_type = value
        elif name == b"seldon-puid":
            self._puid = value
        elif name == b"expect":
            self._expects = value.lower() == b"100-continue"
        elif name == b"content-encoding":
            self._encoding = value
        elif name == b"sec-fetch-site":
            self._site = value
        elif name == b"origin":
            self._origin = value
        elif name == b"authorization":
            self._authorization = value
        elif name == b"inference-header-content-length":
            self._binary_from = value

    def on_headers_complete(self) -> None:
        """The head is complete: a body that is too large is refused before it arrives."""
        if self.phase == LAST:
            return
        self.phase = BODY
        if self._length > self._server.max_body_bytes:
            self._refuse_body()
        elif self._expects:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        if self.phase == LAST:
            return
        self._size += len(body)
        if self._size > self._server.max_body_bytes:
            self._refuse_body()
        else:
            self._parts.append(body)
            self._server.hold(len(body))

    def on_message_complete(self) -> None:
        """A complete request: it waits for its turn."""
        if self.phase == LAST or (self._length > self._size and self._parser.should_upgrade()):
            return
        operation, call = self._request()
        call.body = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        stays = self._parser.should_keep_alive() and self._parser.get_http_version() == "1.1"
        self._reset()
        self._complete += 1
        self.phase, self.since = IDLE if stays else LAST, monotonic()
        self._wait(Pending(operation, call, stays))

    def _wait(self, pending: Pending) -> None:
        self._calls.append(pending)
        self._ask_for_turn()
        if len(self._calls) > 1:
            self._read_or_wait()

    def _ask_for_turn(self) -> None:
        """Queue for a turn, unless this connection is in the queue, is being answered or has unread answers."""
        if self._calls and not (self._queued or self._answering or self._paused):
            self._queued = True
            self._server.wait_for_turn(self)

    def _request(self) -> tuple[Operation, Call]:
        """The call, from what is known of its head, and the operation that it is for."""
        url = self._url
        if not url.startswith(b"/") and url != b"*":
            # The absolute form, as sent to proxies.
            try:
                parsed = httptools.parse_url(url)
                url = (parsed.path or b"/") + (b"?" + parsed.query if parsed.query else b"")
            except httptools.HttpParserInvalidURLError:
                url = b"/"
        raw, _, query = url.partition(b"?")
        path = (unquote_to_bytes(raw) if b"%" in raw else raw).decode("utf-8", "replace")
        call = Call(self._parser.get_method().decode("latin-1"), path, query)
        call.identify(self._puid.decode("latin-1"), self._server.image_part)
        kind = self._content_type
        if kind == b"application/json":
            call.content_type = JSON
        else:
            call.content_type, call.boundary = media_type(kind)
        call.binary_from = self._binary_from
        call.authorization = self._authorization
        if self._encoding or self._site:
            call.objection = self._objection()
        return self._server.route(path), call

    def _objection(self) -> ServingError | None:
        """Why a request of this head is refused where it matters: see ``Operation.heavy``."""
        if self._encoding.lower() not in (b"", b"identity"):
            text = f"the body has the content encoding {shown(self._encoding.decode('latin-1'))}; allowed: none"
            return ServingError(415, text, headers={"accept-encoding": "identity"})
        allowed = self._server.allow_origin
        if self._site == b"cross-site" and allowed not in ("*", self._origin.decode("latin-1") or None):
            text = "a page of another site sent this request; allowed: the origin of MODEL_SERVER_ALLOW_ORIGIN"
            return ServingError(403, text, reason="MICROSERVICE_CROSS_SITE")
        return None

    # Answers

    def turn(self, busy: ServingError | None, others: bool) -> Pending | None:
        """Answer the next call, at once or from a thread; with ``busy`` when it is heavy and there is no room.

        When ``others`` wait too, a call that may be part of a batch is returned instead, for ``finish``.
        """
        self._queued = False
        if not self._calls or self._paused:
            return None
        pending = self._calls.popleft()
        operation, call = pending.operation, pending.call
        error = pending.error or (busy if operation.heavy else None)
        if error is not None:
            self.finish(pending, operation.refusal(error))
        elif operation.front.pool is None or not operation.heavy:
            if others and operation.batch is not None and call.method == "POST":
                return pending
            self.finish(pending, operation.answer(call))
        else:
            self._answering = True
            self._server.keep(self._answer_in_time(pending))
        return None

    async def _answer_in_time(self, pending: Pending) -> None:
        """The answer from a thread, or 503 when it takes too long. The thread stays busy until the model returns."""
        operation = pending.operation
        seconds = operation.front.settings.predict_timeout
        pool = operation.front.pool
        answering = asyncio.get_running_loop().run_in_executor(pool, operation.answer, pending.call)
        self._server.in_threads += 1
        try:
            answer = await asyncio.wait_for(answering, seconds)
        except TimeoutError:
            text = f"the model did not answer within {seconds:.0f} s; try again"
            late = ServingError(503, text, reason="MICROSERVICE_TIMEOUT", headers={"retry-after": "1"})
            answer = operation.refusal(late)
        finally:
            self._server.in_threads -= 1
        self._answering = False
        self.finish(pending, answer)

    def finish(self, pending: Pending, answer: Answer) -> None:
        """Count and send an answer; the connection's next call waits for its turn."""
        self._server.release(len(pending.call.body))
        pending.operation.count(pending.call, answer)
        if self._transport.is_closing():
            return
        last = not self._calls and (self._ended or self._server.stopping)
        stays = pending.stays and not last
        self._write(pending.call, answer, stays)
        if pending.error is not None:
            # Closing while the caller still sends would reset the connection and lose the answer: read on a little.
            self.phase, self.since = LAST, monotonic()
            if self._transport.can_write_eof():
                self._transport.write_eof()
        elif not stays:
            self._transport.close()
        elif self._calls:
            self._ask_for_turn()
            self._read_or_wait()

    def _write(self, call: Call, answer: Answer, stays: bool) -> None:
        extra = answer.headers if stays else {**answer.headers, **CLOSE}
        head = self._server.head(answer.status, answer.content_type) + (
            f"content-length: {len(answer.body)}\r\nseldon-puid: {call.puid}\r\n".encode("latin-1")
        )
        for name, value in extra.items():
            head += f"{name}: {value}\r\n".encode("latin-1")
        self._transport.write(head + b"\r\n" + (b"" if call.method == "HEAD" else answer.body))

    def _refuse_body(self) -> None:
        limit = self._server.max_body_bytes
        self._refuse(413, f"the body is larger than {limit} bytes")

    def _refuse(self, status: int, text: str, headers: Mapping[str, str] = NO_HEADERS) -> None:
        """The last answer of this connection, although the request is not complete."""
        self._drop_body()
        if self.phase != LAST:
            operation, call = self._request()
            self.phase, self.since = LAST, monotonic()
            self._wait(Pending(operation, call, False, ServingError(status, text, headers=headers)))

    def _drop_body(self) -> None:
        """Forget what has arrived of a body."""
        self._server.release(self._size)
        self._size, self._parts = 0, []

    # What the server ends

    @property
    def reclaimable(self) -> int:
        """Bytes that ending this connection gives back: a part of a body, or an answer that is not read."""
        return self._size + self._unsent

    @property
    def waits_for_caller(self) -> bool:
        """Whether nothing is to be answered here before the caller sends or reads more."""
        return self._paused or not (self._calls or self._answering)

    def reclaim(self) -> None:
        """Give the reclaimable bytes back: refuse the body, or end the connection that does not read."""
        if self._unsent:
            self._transport.abort()
            self._server.release(self._unsent)
            self._unsent = 0
        else:
            text = f"the bodies that arrive now are larger than {self._server.max_buffered_bytes} bytes; try again"
            self._refuse(503, text, RETRY)

    def look(self, now: float) -> None:
        """End what has taken too long: the sweeper calls this about every second."""
        waited = now - self.since
        if self._paused:
            unsent = self._transport.get_write_buffer_size()
            if unsent < self._unsent:
                self._server.release(self._unsent - unsent)
                self._unsent, self.since = unsent, now
            elif waited > self._server.body_timeout:
                self._transport.abort()
        elif self._calls or self._answering:
            return
        elif self.phase in (HEAD, BODY) and waited > self._server.body_timeout:
            part = "body" if self.phase == BODY else "head of the request"
            self._refuse(408, f"the {part} did not arrive within {self._server.body_timeout:.0f} s")
        elif (self.phase == LAST and waited > self._server.body_timeout) or (
            self.phase == IDLE and waited > self._server.idle_timeout
        ):
            self._transport.abort()

    def stop(self) -> None:
        """Take no further request: close now when nothing is to be answered, else after the answer."""
        if self.phase in (IDLE, LAST) and not self._calls and not self._answering:
            self._transport.close()

    def abort(self) -> None:
        """Close at once, without what has not been sent."""
        self._transport.abort()


def media_type(value: bytes) -> tuple[str, bytes]:
    """A content type without its parameters, in lower case, and its parameter ``boundary``."""
    kind, _, parameters = value.partition(b";")
    found = BOUNDARY.search(parameters)
    return kind.decode("latin-1").strip().lower(), found[1] if found else b""


def reason(status: int) -> str:
    """The reason phrase of a status; a model may refuse with any status from 400 to 499."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Refused"
