"""HTTP/1.1 on one connection: llhttp reads (by httptools), this keeps the limits and writes the answers.

Why not a general server: a prediction takes 0.02 ms, and uvicorn's scope, task and messages for each request
take more than that; a server of handlers that are plain functions needs none of them. Measured with an empty
answer: 45 us of a busy core a request in uvicorn, 10 us here.

The rules: answers leave in the order of the requests; a request that is refused before its body has come is
answered at once, and what still comes is thrown away, so that the caller can read the answer; whatever is not
HTTP is a 400 and the end of the connection. Source: RFC 9112.
"""

import asyncio
from collections import deque
from http import HTTPStatus
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple, cast
from urllib.parse import unquote_to_bytes

import httptools

from modelserver.errors import ServingError
from modelserver.http import JSON, Answer, Call, Operation

if TYPE_CHECKING:
    from modelserver.server import Server

MAX_HEAD_BYTES = 64 * 1024
MAX_PIPELINED = 64
CLOSE = {"connection": "close"}

IDLE, HEAD, BODY, LAST = range(4)
"""Where a connection stands: between requests, within a head, within a body, or after its last answer."""


class Pending(NamedTuple):
    """A call that waits for its turn; ``stays`` is whether the connection goes on, ``error`` why it is refused."""

    operation: Operation
    call: Call
    stays: bool
    error: ServingError | None = None


class Connection(asyncio.Protocol):
    """One caller. All methods run in the event loop's thread."""

    def __init__(self, server: "Server") -> None:
        self._server = server
        self._transport: asyncio.Transport
        self._parser = httptools.HttpRequestParser(self)
        self.phase = IDLE
        self.since = monotonic()
        self._calls: deque[Pending] = deque()
        self._answering = False
        self._ended = False
        self._complete = 0
        self._reset()

    def _reset(self) -> None:
        self._url = b""
        self._head_bytes = 0
        self._length = 0
        self._puid = b""
        self._content_type = b""
        self._binary_from = b""
        self._expects = False
        self._parts: list[bytes] = []
        self._size = 0
        self._unread = 0

    # The transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A caller has come."""
        self._transport = cast(asyncio.Transport, transport)
        self._server.came(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """The caller is gone; what is being answered is answered for nobody."""
        self._calls.clear()
        self._server.went(self)

    def eof_received(self) -> bool:
        """The caller sends no more: open until all it asked for is answered."""
        self.phase, self._ended = LAST, True
        return bool(self._calls or self._answering)

    def pause_writing(self) -> None:
        """The caller does not read its answers: no more requests are read until it does."""
        if not self._transport.is_closing():
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        """It reads again."""
        if not self._transport.is_closing():
            self._transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        """Bytes of a head, of a body, or of what nobody wants any more."""
        if self.phase == LAST:
            return
        if self.phase == IDLE:
            self.phase, self.since = HEAD, monotonic()
        if self._unread:
            data = self._read_past_the_parser(data)
        complete = self._complete
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._pass_over(data[upgrade.args[0] :])
        except httptools.HttpParserError as error:
            self._refuse(400, f"this is not HTTP: {error}")
        if self.phase == HEAD and complete == self._complete:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self._refuse(431, f"the head of the request is larger than {MAX_HEAD_BYTES} bytes")

    def _pass_over(self, rest: bytes) -> None:
        """An offer of another protocol may be ignored: HTTP/1.1 goes on.

        Java's client makes one with its first request, of HTTP/2. The parser takes every offer as accepted and reads
        no body after it, so the body is read here.
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
        """Only what is used is kept."""
        name = name.lower()
        if name == b"content-length":
            # The parser has refused what is no number.
            self._length = int(value)
        elif name == b"content-type":
            self._content_type = value
        elif name == b"seldon-puid":
            self._puid = value
        elif name == b"expect":
            self._expects = value.lower() == b"100-continue"
        elif name == b"inference-header-content-length":
            self._binary_from = value

    def on_headers_complete(self) -> None:
        """The head is there: a body that is too large is refused before it comes."""
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

    def on_message_complete(self) -> None:
        """A whole request: it waits for its turn."""
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
        if len(self._calls) == 1 and not self._answering:
            self._server.wait_for_turn(self)
        elif len(self._calls) > MAX_PIPELINED:
            self._transport.pause_reading()

    def _request(self) -> tuple[Operation, Call]:
        """The call, as far as its head tells, and the operation it is for."""
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
        call.identify(self._puid.decode("latin-1"))
        kind = self._content_type
        call.content_type = JSON if kind == b"application/json" else media_type(kind)
        call.binary_from = self._binary_from
        return self._server.route(path), call

    # Answers

    def turn(self, busy: ServingError | None, others: bool) -> Pending | None:
        """Answer the next call, at once or from a thread; with ``busy`` when it is heavy and there is no room.

        When ``others`` wait too, a call that may be answered together with theirs is returned instead, for ``finish``.
        """
        if not self._calls:
            return None
        pending = self._calls.popleft()
        operation, call = pending.operation, pending.call
        error = pending.error or (busy if operation.heavy else None)
        if error is not None:
            self.finish(pending, operation.refusal(error))
        elif operation.front.pool is None or not operation.heavy:
            if others and operation.together is not None and call.method == "POST":
                return pending
            self.finish(pending, operation.answer(call))
        else:
            self._answering = True
            self._server.keep(self._answer_in_time(pending))
        return None

    async def _answer_in_time(self, pending: Pending) -> None:
        """The answer from a thread, or 503 when it takes too long; its thread is free when it has ended."""
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
        """Count and send an answer; a further call of this connection waits for its turn."""
        pending.operation.count(pending.call, answer)
        if self._transport.is_closing():
            return
        last = not self._calls and (self._ended or self._server.stopping)
        stays = pending.stays and not last
        self._write(pending.call, answer, stays)
        if pending.error is not None:
            # Closing while the caller sends would take the answer from it: it sees the end, and we read on a little.
            self.phase, self.since = LAST, monotonic()
            if self._transport.can_write_eof():
                self._transport.write_eof()
        elif not stays:
            self._transport.close()
        elif self._calls:
            self._server.wait_for_turn(self)
            if len(self._calls) == MAX_PIPELINED:
                self._transport.resume_reading()

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

    def _refuse(self, status: int, text: str) -> None:
        """The last answer of this connection, although the request is not complete."""
        if self.phase != LAST:
            operation, call = self._request()
            self.phase, self.since = LAST, monotonic()
            self._wait(Pending(operation, call, False, ServingError(status, text)))

    def look(self, now: float) -> None:
        """End what has taken too long: the sweeper calls this about every second."""
        waited = now - self.since
        if self._calls or self._answering:
            return
        if self.phase in (HEAD, BODY) and waited > self._server.body_timeout:
            part = "body" if self.phase == BODY else "head of the request"
            self._refuse(408, f"the {part} did not come within {self._server.body_timeout:.0f} s")
        elif (self.phase == LAST and waited > self._server.body_timeout) or (
            self.phase == IDLE and waited > self._server.idle_timeout
        ):
            self._transport.abort()

    def stop(self) -> None:
        """No further request: close now when nothing is asked, else after the answer."""
        if self.phase in (IDLE, LAST) and not self._calls and not self._answering:
            self._transport.close()

    def abort(self) -> None:
        """Give up."""
        self._transport.abort()


def media_type(value: bytes) -> str:
    """A content type without its parameters, in lower case."""
    return value.decode("latin-1").partition(";")[0].strip().lower()


def reason(status: int) -> str:
    """The reason phrase of a status; a model may refuse with any number from 400 to 499."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Refused"
