"""The address of every EventListener: one ASGI application with a path for each.

On a cluster a listener is the Service `el-<name>:8080`; here it is `/<namespace>/<name>`. The rest of the path is the
path of the sender's URL. The answer is Triggers' own (`pkg/sink/sink.go`): 202 as soon as the body is a JSON object and
the triggers are known, whatever interceptors decide later; 400 for another body; 500 if the listener does not exist or
a trigger is not defined. The limit of the body's size is the lab's.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from typing import Any
from urllib.parse import parse_qs

import msgspec
import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from workshop.lab.controllers.triggers.dispatch import Dispatcher
from workshop.lab.controllers.triggers.event import Event, headers_of
from workshop.lab.controllers.triggers.interceptors.slack import FORM
from workshop.lab.controllers.triggers.logbook import Logbook, log
from workshop.lab.controllers.triggers.selecting import NotDefined, parse, ungrouped
from workshop.lab.kinds import built_in
from workshop.lab.rbac.policy import Policy
from workshop.lab.store import Store
from workshop.manifests.gojson import go_type, json_error
from workshop.manifests.objects import Object, annotations_of
from workshop.manifests.triggers import EventListener

MAX_BODY = 1024 * 1024
"""Bytes of one event; GitHub's seldom have a tenth of it."""
PARSED_AT_ONCE = 16 * 1024
"""Bytes; larger events are parsed in a thread."""
MAX_FIELDS = 1000
"""Of a form."""
EVENTS_PER_SECOND, BURST = 50.0, 200
"""Of all senders: as an API server limits a client (client-side qps and burst)."""
READ_SECONDS = 5.0
"""A body that is not there by then is not waited for (Triggers' read timeout)."""
MAX_WAITING = 200
"""Events under way; further ones get 503 until some are done."""
NO_VALIDATION = "tekton.dev/payload-validation"


class Sink:
    """The application. `close` lets running triggers end. `policy` decides what the accounts may create."""

    def __init__(self, store: Store, logbook: Logbook, policy: Policy | None = None) -> None:
        self._store, self._logbook = store, logbook
        self._dispatcher = Dispatcher(store, logbook, policy)
        self._running: set[asyncio.Task[None]] = set()
        self._rate = _Rate()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        response = await self._answer(Request(scope, receive))
        await response(scope, receive, send)

    async def close(self, seconds: float = 5.0) -> None:
        """Wait for the events under way, then end them."""
        if self._running:
            await asyncio.wait(self._running, timeout=seconds)
        for task in list(self._running):
            task.cancel()

    async def idle(self) -> None:
        """Wait until no event is under way."""
        while self._running:
            await asyncio.wait(self._running)

    async def _answer(self, request: Request) -> Response:
        parts = request.url.path.split("/", 3)
        if request.url.path in ("/live", "/livez"):
            return Response(status_code=200)
        if len(parts) < 3 or not parts[1] or not parts[2]:
            return Response("an EventListener is at /<namespace>/<name>; oc get el -A shows the addresses\n", 404)
        namespace, name, rest = parts[1], parts[2], parts[3] if len(parts) > 3 else ""
        try:
            raw = await asyncio.wait_for(_body(request), READ_SECONDS)
        except TimeoutError:
            return _closing(Response("the body did not arrive within 5 s\n", 408))
        except ClientDisconnect:
            return Response(status_code=400)
        if raw is None:
            return _closing(Response(f"an event has at most {MAX_BODY} bytes\n", 413))
        if not self._rate.take() or len(self._running) >= MAX_WAITING:
            return Response("too many events are under way\n", 503, {"Retry-After": "1"})
        listener = self._store.find(built_in("EventListener"), namespace, name)
        headers = headers_of(request.scope["headers"])
        form = bool(headers.get("X-Slack-Signature")) and headers.get("Content-Type") == [FORM]
        # A large body of many small parts would stop the lab for its time.
        parsing = asyncio.to_thread(_parsed, raw, form) if len(raw) > PARSED_AT_ONCE else None
        raw, wrong = _parsed(raw, form) if parsing is None else await parsing
        if listener is not None and not _validates(listener):
            wrong = ""
        if wrong:
            message = f"Invalid event body format format: {wrong}"
            if listener is None:
                log.error("%s/%s: %s", namespace, name, message)
            else:
                self._logbook.write(listener, logging.ERROR, message)
            return _json(
                400, {"eventListener": name, "namespace": namespace, "eventListenerUID": "", "errorMessage": message}
            )
        if listener is None:
            log.error("Error getting EventListener %s in Namespace %s: not found", name, namespace)
            return Response(status_code=500)
        query = f"?{request.url.query}" if request.url.query else ""
        return self._accept(listener, Event(str(uuid.uuid4()), raw, headers, f"/{rest}{query}"), request)

    def _accept(self, listener: Object, event: Event, request: Request) -> Response:
        meta = listener["metadata"]
        try:
            spec = parse(listener, EventListener).spec
            targets = ungrouped(self._store, meta["namespace"], spec)
        except (NotDefined, ValueError, msgspec.ValidationError) as e:
            self._logbook.write(listener, logging.ERROR, f"Error merging Triggers: {e}", event=event.id)
            return Response(status_code=500)
        self._start(self._dispatcher.ungrouped(listener, targets, event))
        for group in spec.trigger_groups:
            self._start(self._dispatcher.group(listener, group, event))
        body = {
            "eventListener": meta["name"],
            "namespace": meta["namespace"],
            "eventListenerUID": meta["uid"],
            "eventID": event.id,
        }
        if request.headers.get("ce-specversion"):
            return _json(
                202,
                body,
                {
                    "Ce-Id": str(uuid.uuid4()),
                    "Ce-Source": meta["name"],
                    "Ce-Specversion": "1.0",
                    "Ce-Type": "dev.tekton.event.triggers.accepted.v1",
                    "Ce-Time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                },
            )
        return _json(202, body)

    def _start(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)


async def _body(request: Request) -> bytes | None:
    """The body; None as soon as it is known to be too large."""
    if int(request.headers.get("content-length") or 0) > MAX_BODY:
        return None
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MAX_BODY:
            return None
        chunks.append(chunk)
    return b"".join(chunks)


def _parsed(raw: bytes, form: bool) -> tuple[bytes, str]:
    """A body as JSON, and why it is no JSON object in the words of Go, or nothing. `null` passes, as in Go."""
    if form:
        try:
            fields = parse_qs(raw.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=MAX_FIELDS)
        except ValueError:
            return raw, f"a form has at most {MAX_FIELDS} fields"
        return orjson.dumps(fields), ""
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return raw, json_error(raw)
    if isinstance(value, dict) or value is None:
        return raw, ""
    return raw, f"json: cannot unmarshal {go_type(value)} into Go value of type map[string]interface {{}}"


class _Rate:
    """A token bucket of EVENTS_PER_SECOND with BURST."""

    def __init__(self) -> None:
        self._left, self._at = float(BURST), time.monotonic()

    def take(self) -> bool:
        """Whether one more event may be taken now."""
        now = time.monotonic()
        self._left = min(float(BURST), self._left + (now - self._at) * EVENTS_PER_SECOND)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


def _validates(listener: Object) -> bool:
    annotations = annotations_of(listener)
    return annotations.get(NO_VALIDATION) != "false"


def _json(status: int, body: dict[str, str], headers: dict[str, str] | None = None) -> Response:
    return Response(orjson.dumps(body) + b"\n", status, headers, media_type="application/json")


def _closing(response: Response) -> Response:
    """What is left of the body is not read, so the connection ends."""
    response.headers["Connection"] = "close"
    return response
