"""What happens to every request: limits, the handler, one answer, one count, one line in the log.

An ``Operation`` is one path of the API as an ASGI application. Handlers are plain functions from ``Call``
to ``Answer``: they run in the event loop's thread, because an ONNX model answers a row in 0.02 ms and
handing that to a thread costs several times as much (``MODEL_SERVER_THREADS`` is for slow models). What a
caller does wrong ends as ``ServingError``; anything else that a handler raises is a 500 with no more than
an identifier in it.
"""

import asyncio
import logging
import re
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from time import perf_counter

import orjson
from starlette.datastructures import Headers, QueryParams
from starlette.types import Message, Receive, Scope, Send

from modelserver.errors import INTERNAL, ServingError, seldon_error
from modelserver.metrics import Metrics
from modelserver.settings import Settings

log = logging.getLogger("modelserver")
access = logging.getLogger("modelserver.access")

JSON = "application/json"
PUID = re.compile(r"[A-Za-z0-9._:-]{1,128}\Z")
ErrorShape = Callable[[ServingError], dict[str, object]]


@dataclass(slots=True)
class Call:
    """One request: ``body`` is complete and within the limit; ``rows`` is set by the handler, for the log."""

    method: str
    body: bytes
    query: QueryParams
    content_type: str
    path: Mapping[str, str]
    puid: str
    rows: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, ready to be sent."""

    body: bytes
    status: int = 200
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)


Handler = Callable[[Call], Answer]


class Front:
    """What all operations of a process share: settings, metrics, the number of requests under way."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self.settings = settings
        self.metrics = metrics
        self.under_way = 0
        self.pool = ThreadPoolExecutor(settings.threads, "predict") if settings.threads else None


@dataclass(frozen=True, slots=True)
class Operation:
    """One path: its handler for each method, and how it is counted.

    ``service`` is the executor's label for the request histogram, None for paths that are not counted.
    ``heavy`` operations hold a slot of ``max_concurrency`` and appear in the access log; probes do neither.
    """

    front: Front
    handlers: Mapping[str, Handler]
    service: str | None = None
    heavy: bool = False
    error_shape: ErrorShape = seldon_error

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        front = self.front
        started = perf_counter()
        headers = Headers(scope=scope)
        sent = headers.get("seldon-puid", "")
        puid = sent if PUID.match(sent) else uuid.uuid4().hex
        call = Call(
            scope["method"], b"", QueryParams(scope["query_string"]), "", scope.get("path_params", {}), puid
        )
        front.under_way += self.heavy
        try:
            answer = await self._answer(call, headers, receive)
        except ServingError as error:
            answer = Answer(orjson.dumps(self.error_shape(error)), error.status, headers=error.headers)
        except Exception:
            log.exception("request %s failed", puid)
            failed = ServingError(500, f"the server failed; its log has {puid}", reason=INTERNAL)
            answer = Answer(orjson.dumps(self.error_shape(failed)), 500)
        finally:
            front.under_way -= self.heavy
        await send_answer(send, answer, puid, front.settings.allow_origin)
        seconds = perf_counter() - started
        if self.service is not None:
            front.metrics.request(self.service, call.method, answer.status, seconds)
        if self.heavy and front.settings.access_log:
            # No address, no query, no payload: what a caller asked about is nobody's business here.
            access.info(
                "%s",
                Line(call.method, scope["path"], answer.status, seconds, len(call.body), call.rows, puid),
            )

    async def _answer(self, call: Call, headers: Headers, receive: Receive) -> Answer:
        front = self.front
        if call.method == "OPTIONS" and front.settings.allow_origin:
            return Answer(b"", 204, headers={"access-control-allow-methods": ", ".join(self.handlers)})
        handler = self.handlers.get("GET" if call.method == "HEAD" else call.method)
        if handler is None:
            allowed = ", ".join(self.handlers)
            text = f"{call.method} is not allowed here; allowed: {allowed}"
            raise ServingError(405, text, headers={"allow": allowed})
        if self.heavy and front.under_way > front.settings.max_concurrency:
            text = f"{front.settings.max_concurrency} requests are under way; try again"
            raise ServingError(503, text, reason="MICROSERVICE_BUSY", headers={"retry-after": "1"})
        if call.method == "POST":
            call.content_type = headers.get("content-type", "").partition(";")[0].strip().lower()
            call.body = await read_body(headers, receive, front.settings)
        if front.pool is not None and self.heavy:
            return await asyncio.get_running_loop().run_in_executor(front.pool, handler, call)
        return handler(call)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the access log; becomes JSON only when a log handler wants it."""

    method: str
    path: str
    status: int
    seconds: float
    bytes: int
    rows: int
    puid: str

    def __str__(self) -> str:
        return orjson.dumps(
            {
                "event": "request",
                "method": self.method,
                "path": self.path[:200],
                "status": self.status,
                "ms": round(self.seconds * 1000, 3),
                "bytes": self.bytes,
                "rows": self.rows,
                "puid": self.puid,
            }
        ).decode()


async def read_body(headers: Headers, receive: Receive, settings: Settings) -> bytes:
    """The whole body, or 413 as soon as it is known to be too large, or 408 when it does not come."""
    limit = settings.max_body_bytes
    too_large = ServingError(413, f"the body is larger than {limit} bytes", headers={"connection": "close"})
    announced = headers.get("content-length", "")
    if announced.isdigit() and int(announced) > limit:
        raise too_large
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(settings.body_timeout):
            while True:
                message: Message = await receive()
                if message["type"] == "http.disconnect":
                    raise ServingError(400, "the caller went away before the body was complete")
                part = message.get("body", b"")
                size += len(part)
                if size > limit:
                    raise too_large
                parts.append(part)
                if not message.get("more_body", False):
                    return parts[0] if len(parts) == 1 else b"".join(parts)
    except TimeoutError:
        text = f"the body did not come within {settings.body_timeout:.0f} s"
        raise ServingError(408, text, headers={"connection": "close"}) from None


async def send_answer(send: Send, answer: Answer, puid: str, allow_origin: str = "") -> None:
    """Send one answer with the headers that all answers have."""
    headers = [
        (b"content-type", answer.content_type.encode()),
        (b"content-length", str(len(answer.body)).encode()),
        (b"seldon-puid", puid.encode()),
        (b"x-content-type-options", b"nosniff"),
    ]
    headers += [(name.encode(), value.encode()) for name, value in answer.headers.items()]
    if allow_origin:
        headers.append((b"access-control-allow-origin", allow_origin.encode()))
        headers.append((b"access-control-allow-headers", b"content-type, seldon-puid"))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
