"""What happens to every request: the handler, one count, one answer, one line in the log.

An ``Operation`` is one path of the API. Handlers are plain functions from ``Call`` to ``Answer``. They run in the
event loop's thread, because an ONNX model answers a row in 0.02 ms and handing that to a thread costs several
times as much (``MODEL_SERVER_THREADS`` is for slow models). A caller's mistake is a ``ServingError``; anything else
that a handler raises is a 500 that shows only the request's identifier.

A request is counted before its answer is sent, so every answer that a caller has is counted, also when the process
is killed in between.
"""

import asyncio
import logging
import os
import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from random import getrandbits
from time import perf_counter
from types import MappingProxyType
from typing import NamedTuple

import orjson

from modelserver.errors import INTERNAL, ServingError, seldon_error
from modelserver.metrics import Metrics
from modelserver.settings import Settings

log = logging.getLogger("modelserver")

JSON = "application/json"
NO_HEADERS: Mapping[str, str] = MappingProxyType({})
PUID = re.compile(r"[A-Za-z0-9._:-]{1,128}\Z")
IMAGE_DIGITS = 12
"""The hex digits of the image's digest at the beginning of an identifier."""
ErrorShape = Callable[[ServingError], dict[str, object]]


def image_part(image: str) -> str:
    """The first 12 hex digits of the digest of an image; empty for an image without a digest."""
    found = re.search(r"@sha256:([0-9a-f]{64})\Z", image)
    return found.group(1)[:IMAGE_DIGITS] if found else ""


class Call:
    """One request. ``body`` is complete and within the limit; ``rows`` is set by the handler, for the log.

    ``objection`` is why heavy operations refuse it, from its head. ``boundary`` is the content type's.
    """

    __slots__ = (
        *("authorization", "binary_from", "body", "boundary", "content_type", "method", "objection", "path", "puid"),
        *("query", "rows", "since"),
    )

    def __init__(self, method: str, path: str, query: bytes) -> None:
        self.since = perf_counter()
        self.method = method
        self.path = path
        self.query = query
        self.puid = ""
        self.content_type = ""
        self.boundary = b""
        self.objection: ServingError | None = None
        self.binary_from = b""
        self.authorization = b""
        self.body = b""
        self.rows = 0

    def identify(self, wish: str, image: str = "") -> None:
        """Take the caller's identifier, or make one when there is none that may go into a log.

        One that is made has 32 hex digits. It begins with `image`, from `image_part`, so that it leads to the release
        that answered with nothing stored. The other 80 bits are random.
        """
        if wish and PUID.match(wish):
            self.puid = wish
        elif image:
            self.puid = f"{image}{getrandbits(80):020x}"
        else:
            self.puid = f"{getrandbits(128):032x}"


class Answer(NamedTuple):
    """One answer, ready to be sent."""

    body: bytes
    status: int = 200
    content_type: str = JSON
    headers: Mapping[str, str] = NO_HEADERS


Handler = Callable[[Call], Answer]
BatchHandler = Callable[[Sequence[Call]], Sequence[Answer | None]]
"""Answers to calls that wait at the same moment, None for each that must be handled alone."""
OTHER_METHOD = "other"
"""The label of all methods that a path does not have: a caller must not be able to make series."""


class AccessLog:
    """One line of JSON on standard error for each request.

    It has no address, no query and no payload. Lines are gathered for 0.2 s, because a write for each would take as
    long as the prediction; a process that is killed loses them.
    """

    def __init__(self) -> None:
        self._lines: list[bytes] = []

    def line(self, call: Call, status: int, seconds: float) -> None:
        """Add one request; to be called in the event loop's thread."""
        if not self._lines:
            asyncio.get_running_loop().call_later(0.2, self.flush)
        line = {
            "event": "request",
            "method": call.method,
            "path": call.path[:200],
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
    """What all operations of a process share: settings, metrics, threads, the access log."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self.settings = settings
        self.metrics = metrics
        self.pool = ThreadPoolExecutor(settings.threads, "predict") if settings.threads else None
        self.log = AccessLog()


@dataclass(frozen=True, slots=True, eq=False)
class Operation:
    """One path: its handler for each method, and how it is counted.

    ``service`` is the executor's label for the request histogram, None for paths that are not counted.
    ``heavy`` operations are refused beyond ``max_concurrency``, run in a thread if there are any, and are in
    the access log; probes and descriptions are not. They also refuse what ``Call.objection`` says: a body that is
    compressed, and a request that a browser sends for a page of another site. ``batch`` is for POST.
    """

    front: Front
    handlers: Mapping[str, Handler]
    service: str | None = None
    heavy: bool = False
    error_shape: ErrorShape = seldon_error
    batch: BatchHandler | None = None

    def answer(self, call: Call) -> Answer:
        """The handler's answer, or the error that it raised. Raises nothing."""
        if self.heavy and call.objection is not None:
            return self.refusal(call.objection)
        try:
            handler = self.handlers.get(call.method)
            return handler(call) if handler is not None else self._without_handler(call)
        except ServingError as error:
            return self.refusal(error)
        except Exception:
            log.exception("request %s failed", call.puid)
            return self.refusal(ServingError(500, f"the server failed; its log has {call.puid}", reason=INTERNAL))

    def answer_batch(self, calls: Sequence[Call]) -> list[Answer]:
        """One answer a call, by ``batch`` where that is possible. Raises nothing."""
        assert self.batch is not None
        answers: Sequence[Answer | None]
        try:
            answers = self.batch(calls)
        except ServingError as error:
            return [self.refusal(error)] * len(calls)
        except Exception:
            log.exception("a batch of the requests %s failed", ", ".join(call.puid for call in calls))
            answers = [None] * len(calls)
        return [self.answer(call) if answer is None else answer for call, answer in zip(calls, answers, strict=True)]

    def _without_handler(self, call: Call) -> Answer:
        """HEAD is GET; the connection leaves the body out. OPTIONS is for browsers. Other methods are refused."""
        if call.method == "HEAD" and "GET" in self.handlers:
            return self.handlers["GET"](call)
        allowed = ", ".join(self.handlers)
        if call.method == "OPTIONS" and self.front.settings.allow_origin:
            return Answer(b"", 204, headers={"access-control-allow-methods": allowed})
        raise ServingError(405, f"{call.method} is not allowed here; allowed: {allowed}", headers={"allow": allowed})

    def refusal(self, error: ServingError) -> Answer:
        """An error in the shape of the path's protocol."""
        return Answer(orjson.dumps(self.error_shape(error)), error.status, headers=error.headers)

    def count(self, call: Call, answer: Answer) -> None:
        """Count and log one answer; to be called before it is sent."""
        seconds = perf_counter() - call.since
        if self.service is not None:
            method = call.method if call.method in self.handlers else OTHER_METHOD
            self.front.metrics.request(self.service, method, answer.status, seconds)
        if self.heavy and self.front.settings.access_log:
            self.front.log.line(call, answer.status, seconds)
