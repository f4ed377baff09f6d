"""The gateway as an ASGI application: it parses a request and sends the answer.

It is plain ASGI, because a framework's routing costs as much as the forwarding (see `upstream`).
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

from workshop.lab.clientpage import client_routes
from workshop.lab.gateway import answers
from workshop.lab.gateway.call import Call
from workshop.lab.gateway.forward import Choice, Forwarder
from workshop.lab.gateway.metrics import CONTENT_TYPE, AllMetrics
from workshop.lab.gateway.shadows import Shadows
from workshop.lab.gateway.upstream import Answer, Upstream
from workshop.lab.routes import Routes, Target
from workshop.usecase import DEPLOYMENT

MAX_BODY = 10 * 1024 * 1024
"""Size limit of one request in bytes. The model server has its own, smaller limit."""
_LOOPBACK = frozenset(("127.0.0.1", "localhost", "[::1]"))


class Gateway:
    """One gateway over one routing table."""

    def __init__(self, routes: Routes) -> None:
        self._routes = routes
        self._upstream = Upstream()
        self._metrics = AllMetrics(routes)
        self._forwarder = Forwarder(self._upstream, self._metrics)
        self._page = Starlette(routes=client_routes())
        self.shadows = Shadows()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self._is_page(scope["path"]):
            await self._page(scope, receive, send)
        elif scope["type"] == "http":
            await _write(await self._answer(scope, receive), scope["method"] == "HEAD", send)
        elif scope["type"] == "lifespan":
            await self._live(receive, send)

    def _is_page(self, path: str) -> bool:
        """Whether a path is of a client page: that of the kit's own deployment, or of one that exists."""
        words = path.split("/", 5)
        if len(words) < 5 or words[1] != "seldon" or words[4] != "client":
            return False
        return words[3] == DEPLOYMENT or (words[2], words[3]) in self._routes.known

    def close(self) -> None:
        """Close the connections to model servers."""
        self.shadows.close()
        self._upstream.close()

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                self.close()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        host = next((v for k, v in scope["headers"] if k == b"host"), b"127.0.0.1").decode("latin-1").lower()
        name = host if host.endswith("]") else host.rsplit(":", 1)[0]
        if name not in _LOOPBACK:
            return await self._by_route(name, scope, receive)
        words = scope["path"].split("/", 4)
        if len(words) == 5 and words[1] == "seldon":
            raw = scope.get("raw_path") or scope["path"].encode()
            return await self._by_deployment(words[2], words[3], "/" + words[4], raw, scope, receive)
        if scope["path"] == "/livez":
            return Answer(200, [(b"content-type", b"text/plain; charset=utf-8")], b"ok")
        if len(words) == 5 and words[1] == "executor" and words[4] == "prometheus":
            return self._exposition(words[2], words[3])
        return answers.error(404, "NotFound", "allowed: /seldon/<namespace>/<deployment>/..., or the host of a Route")

    async def _by_deployment(
        self, namespace: str, name: str, path: str, raw: bytes, scope: Scope, receive: Receive
    ) -> Answer:
        key = (namespace, name)
        if key not in self._routes.known:
            return answers.unknown(namespace, name)
        if _from_another_site(scope):
            return answers.cross_site()
        prefix = f"/seldon/{namespace}/{name}".encode()
        call = await _read(scope, receive, path, raw[len(prefix) :] if raw.startswith(prefix) else quote(path).encode())
        if isinstance(call, Answer):
            return call
        for target in self._routes.table.get(key, ()):
            if target.shadow and target.backends:
                self._copy(namespace, name, target, call)
        return await self._forwarder.answer(namespace, name, lambda: self._live_choices(namespace, name), call)

    async def _by_route(self, name: str, scope: Scope, receive: Receive) -> Answer:
        found = self._routes.hosts.get(name, ())
        host = next((one for one in found if _below(scope["path"], one.path)), None)
        if host is None:
            return answers.no_route(name)
        if _from_another_site(scope):
            return answers.cross_site()

        def choices() -> Sequence[Choice]:
            found = [(self._routes.service(host.namespace, service), weight) for service, weight in host.services]
            return [Choice(one[0], one[1], weight) for one, weight in found if one is not None]

        call = await _read(scope, receive, scope["path"], scope.get("raw_path") or scope["path"].encode())
        if isinstance(call, Answer):
            return call
        return await self._forwarder.answer(host.namespace, host.route, choices, call)

    def _live_choices(self, namespace: str, name: str) -> list[Choice]:
        targets = self._routes.table.get((namespace, name), ())
        return [Choice(name, t, t.traffic) for t in targets if not t.shadow]

    def _copy(self, namespace: str, name: str, target: Target, call: Call) -> None:
        choices = [Choice(name, target, 1)]
        self.shadows.copy(
            target,
            f"{namespace}/{target.service}",
            lambda: self._forwarder.answer(namespace, name, lambda: choices, call),
        )

    def _exposition(self, namespace: str, pod: str) -> Answer:
        metrics = self._metrics.of(namespace, pod)
        if metrics is None:
            return answers.error(404, "NotFound", f"no pod {pod} in {namespace} has an orchestrator")
        return Answer(200, [(b"content-type", CONTENT_TYPE.encode())], metrics.exposition())


def build(routes: Routes) -> Gateway:
    """The gateway as an ASGI application over `routes`."""
    return Gateway(routes)


async def _read(scope: Scope, receive: Receive, path: str, raw: bytes) -> Call | Answer:
    """The request, or the error that refuses it."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return answers.error(400, "BadRequest", "the caller went before the request was complete")
        body: bytes = message.get("body", b"")
        size += len(body)
        if size > MAX_BODY:
            return answers.too_large(size, MAX_BODY)
        parts.append(body)
        if not message.get("more_body"):
            break
    whole = parts[0] if len(parts) == 1 else b"".join(parts)
    return Call(scope["method"], path, scope["query_string"], scope["headers"], whole, raw)


def _from_another_site(scope: Scope) -> bool:
    """Whether a browser sends a prediction or feedback for a page of another site (the header is Fetch Metadata's).

    Both are counted, and a canary is judged by the counts. A link to a page of a model server is allowed.
    """
    if scope["method"] in ("GET", "HEAD", "OPTIONS") and "feedback" not in scope["path"]:
        return False
    return (b"sec-fetch-site", b"cross-site") in scope["headers"]


def _below(path: str, prefix: str) -> bool:
    """Whether a path is the prefix or below it."""
    prefix = prefix.rstrip("/")
    return path == prefix or path.startswith(prefix + "/")


async def _write(answer: Answer, headless: bool, send: Send) -> None:
    headers = [*answer.headers, (b"content-length", b"%d" % len(answer.body))]
    if headless:
        headers = answer.headers
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if headless else answer.body})
