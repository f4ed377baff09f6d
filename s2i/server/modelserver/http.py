"""What happens to every request: limits, the handler, one answer, one count, one line in the log.

An ``Operation`` is one path of the API as an ASGI application. Handlers are plain functions from ``Call``
to ``Answer``: they run in the event loop's thread, because an ONNX model answers a row in 0.02 ms and
handing that to a thread costs several times as much (``MODEL_SERVER_THREADS`` is for slow models). What a
caller does wrong ends as ``ServingError``; anything else that a handler raises is a 500 with no more than
an identifier in it.
"""

import asyncio
import logging
import os
import re
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from os import urandom
from time import perf_counter
from types import MappingProxyType
from typing import Any, NamedTuple

import orjson
from starlette.types import Message, Receive, Scope, Send

from modelserver.errors import INTERNAL, ServingError, seldon_error
from modelserver.metrics import Metrics
from modelserver.settings import Settings

log = logging.getLogger("modelserver")

JSON = "application/json"
NO_HEADERS: Mapping[str, str] = MappingProxyType({})
HEADERS = (b"content-length", b"content-type", b"seldon-puid")
PUID = re.compile(r"[A-Za-z0-9._:-]{1,128}\Z")
ErrorShape = Callable[[ServingError], dict[str, object]]


@dataclass(slots=True)
class Call:
    """One request: ``body`` is complete and within the limit; ``rows`` is set by the handler, for the log."""

    method: str
    body: bytes
    query: bytes
    content_type: str
    path: Mapping[str, str]
    puid: str
    rows: int = 0


class Answer(NamedTuple):
    """One answer, ready to be sent."""

    body: bytes
    status: int = 200
    content_type: str = JSON
    headers: Mapping[str, str] = NO_HEADERS


Handler = Callable[[Call], Answer]


class AccessLog:
    """One line of JSON on standard error for each request.

    No address, no query, no payload: what a caller asked about is nobody's business here. Lines are gathered
    for a moment, because a write for each would take as long as the prediction; a process that is killed
    outright loses the last fifth of a second.
    """

    def __init__(self) -> None:
        self._lines: list[bytes] = []

    def line(self, call: Call, path: str, status: int, seconds: float) -> None:
        """Add one request; to be called in the event loop's thread."""
        if not self._lines:
            asyncio.get_running_loop().call_later(0.2, self.flush)
        line = {
            "event": "request",
            "method": call.method,
            "path": path[:200],
            "status": status,
            "ms": round(seconds * 1000, 3),
            "bytes": len(call.body),
            "rows": call.rows,
            "puid": call.puid,
        }
        self._lines.append(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))

    def flush(self) -> None:
        """Write what was gathered."""
        text, self._lines = memoryview(b"".join(self._lines)), []
        with suppress(OSError):
            while text:
                text = text[os.write(2, text) :]


class Front:
    """What all operations of a process share: settings, metrics, threads, and who waits for what.

    ``queue`` tells how many requests are under way: started, waiting for a body, a thread or their turn.
    """

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self.settings = settings
        self.metrics = metrics
        self.pool = ThreadPoolExecutor(settings.threads, "predict") if settings.threads else None
        self.queue: Callable[[], int] = lambda: 0
        self.reading: dict[asyncio.Task[Any], float] = {}
        self.late: set[asyncio.Task[Any]] = set()
        self.log = AccessLog()

    async def watch_bodies(self) -> None:
        """End the requests whose body does not come. One watcher costs less than a timer a request."""
        while True:
            await asyncio.sleep(min(1.0, self.settings.body_timeout / 4))
            oldest = perf_counter() - self.settings.body_timeout
            for task in [task for task, since in self.reading.items() if since < oldest]:
                self.late.add(task)
                task.cancel()


@dataclass(frozen=True, slots=True)
class Operation:
    """One path: its handler for each method, and how it is counted.

    ``service`` is the executor's label for the request histogram, None for paths that are not counted.
    ``heavy`` operations are refused beyond ``max_concurrency`` and are in the access log; probes are neither.
    """

    front: Front
    handlers: Mapping[str, Handler]
    service: str | None = None
    heavy: bool = False
    error_shape: ErrorShape = seldon_error

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        front = self.front
        started = perf_counter()
        headers = {name: value for name, value in scope["headers"] if name in HEADERS}
        sent = headers.get(b"seldon-puid", b"").decode("latin-1")
        puid = sent if sent and PUID.match(sent) else urandom(16).hex()
        call = Call(scope["method"], b"", scope["query_string"], "", scope.get("path_params", {}), puid)
        try:
            answer = await self._answer(call, headers, receive)
        except ServingError as error:
            answer = Answer(orjson.dumps(self.error_shape(error)), error.status, headers=error.headers)
        except Exception:
            log.exception("request %s failed", puid)
            failed = ServingError(500, f"the server failed; its log has {puid}", reason=INTERNAL)
            answer = Answer(orjson.dumps(self.error_shape(failed)), 500)
        await send_answer(send, answer, puid, front.settings.allow_origin)
        seconds = perf_counter() - started
        if self.service is not None:
            front.metrics.request(self.service, call.method, answer.status, seconds)
        if self.heavy and front.settings.access_log:
            front.log.line(call, scope["path"], answer.status, seconds)

    async def _answer(self, call: Call, headers: Mapping[bytes, bytes], receive: Receive) -> Answer:
        front = self.front
        if call.method == "OPTIONS" and front.settings.allow_origin:
            return Answer(b"", 204, headers={"access-control-allow-methods": ", ".join(self.handlers)})
        handler = self.handlers.get("GET" if call.method == "HEAD" else call.method)
        if handler is None:
            allowed = ", ".join(self.handlers)
            text = f"{call.method} is not allowed here; allowed: {allowed}"
            raise ServingError(405, text, headers={"allow": allowed})
        if self.heavy and front.queue() > front.settings.max_concurrency:
            text = f"{front.settings.max_concurrency} requests are under way; try again"
            raise ServingError(503, text, reason="MICROSERVICE_BUSY", headers={"retry-after": "1"})
        if call.method == "POST":
            kind = headers.get(b"content-type", b"").decode("latin-1")
            call.content_type = kind.partition(";")[0].strip().lower()
            call.body = await read_body(headers, receive, front)
        if front.pool is not None and self.heavy:
            return await asyncio.get_running_loop().run_in_executor(front.pool, handler, call)
        return handler(call)


async def read_body(headers: Mapping[bytes, bytes], receive: Receive, front: Front) -> bytes:
    """The whole body, or 413 as soon as it is known to be too large, or 408 when it does not come."""
    limit = front.settings.max_body_bytes
    announced = headers.get(b"content-length", b"")
    if announced.isdigit() and int(announced) > limit:
        raise _too_large(limit)
    parts: list[bytes] = []
    size = 0
    task = asyncio.current_task()
    assert task is not None
    front.reading[task] = perf_counter()
    try:
        while True:
            message: Message = await receive()
            if message["type"] == "http.disconnect":
                raise ServingError(400, "the caller went away before the body was complete")
            part = message.get("body", b"")
            size += len(part)
            if size > limit:
                raise _too_large(limit)
            parts.append(part)
            if not message.get("more_body", False):
                return parts[0] if len(parts) == 1 else b"".join(parts)
    except asyncio.CancelledError:
        if task not in front.late:
            raise
        task.uncancel()
        text = f"the body did not come within {front.settings.body_timeout:.0f} s"
        raise ServingError(408, text, headers={"connection": "close"}) from None
    finally:
        del front.reading[task]
        front.late.discard(task)


def _too_large(limit: int) -> ServingError:
    return ServingError(413, f"the body is larger than {limit} bytes", headers={"connection": "close"})


async def send_answer(send: Send, answer: Answer, puid: str, allow_origin: str = "") -> None:
    """Send one answer with the headers that all answers have."""
    headers = [
        (b"content-type", answer.content_type.encode()),
        (b"content-length", b"%d" % len(answer.body)),
        (b"seldon-puid", puid.encode()),
        (b"x-content-type-options", b"nosniff"),
    ]
    if answer.headers:
        headers += [(name.encode(), value.encode()) for name, value in answer.headers.items()]
    if allow_origin:
        headers.append((b"access-control-allow-origin", allow_origin.encode()))
        headers.append((b"access-control-allow-headers", b"content-type, seldon-puid"))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
