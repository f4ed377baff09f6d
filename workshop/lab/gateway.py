"""The gateway: the URL under which a deployment answers, as Istio's or a Route's would on a cluster.

`POST /seldon/<namespace>/<deployment>/api/v1.0/predictions` goes to a ready replica, chosen by the predictors'
traffic; a shadow gets a copy, whose answer and speed nobody waits for. A connection that breaks before an answer has
begun is tried once more on another replica. The gateway adds nothing to an answer but the predictor's name in a header.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from workshop.lab.clientpage import client_routes
from workshop.lab.routes import Backend, Routes

MAX_BODY = 10 * 1024 * 1024
"""Bytes of one request; the model server has its own, smaller limit."""
TIMEOUT = aiohttp.ClientTimeout(total=60, connect=2)
_PASSED = ("content-type", "seldon-puid", "accept")


def build(routes: Routes) -> Starlette:
    """The gateway as an ASGI application over `routes`."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=30)
        async with aiohttp.ClientSession(connector=connector, timeout=TIMEOUT, auto_decompress=False) as session:
            app.state.session = session
            app.state.shadows = set()
            yield

    async def forward(request: Request) -> Response:
        namespace, name = request.path_params["namespace"], request.path_params["name"]
        backends = routes.table.get((namespace, name), ())
        live = [b for b in backends if not b.shadow]
        if not live:
            return _nothing(namespace, name, (namespace, name) in routes.known)
        body = await request.body()
        if len(body) > MAX_BODY:
            return _error(413, "RequestEntityTooLarge", f"the body has {len(body)} bytes; at most {MAX_BODY} are taken")
        path = "/" + request.path_params["path"]
        headers = {k: v for k, v in request.headers.items() if k in _PASSED}
        for shadow in [b for b in backends if b.shadow]:
            task = asyncio.create_task(_mirror(request, shadow, path, headers, body))
            request.app.state.shadows.add(task)
            task.add_done_callback(request.app.state.shadows.discard)
        chosen = _choose(live)
        for attempt in (chosen, *(b for b in live if b.pod != chosen.pod)):
            try:
                return await _send(request, attempt, path, headers, body)
            except (aiohttp.ClientConnectionError, ConnectionError):
                # Stopped between routing and connecting; another replica takes it.
                continue
            except TimeoutError:
                return _error(504, "GatewayTimeout", f"{name} did not answer within {TIMEOUT.total:.0f} s")
        return _nothing(namespace, name, True)

    async def alive(_: Request) -> Response:
        return PlainTextResponse("ok")

    return Starlette(
        routes=[
            Route("/livez", alive),
            *client_routes(),
            Route("/seldon/{namespace}/{name}/{path:path}", forward, methods=["GET", "POST"]),
        ],
        lifespan=lifespan,
    )


def _choose(live: list[Backend]) -> Backend:
    """A replica by its predictor's traffic; the replicas of one predictor share its part."""
    per_predictor: dict[str, int] = {}
    for backend in live:
        per_predictor[backend.predictor] = per_predictor.get(backend.predictor, 0) + 1
    weights = [b.traffic / per_predictor[b.predictor] for b in live]
    # Traffic may be 0 for the predictors that are ready while the others come up.
    return random.choices(live, weights if sum(weights) > 0 else None)[0]  # noqa: S311 routing, not a secret


async def _send(request: Request, to: Backend, path: str, headers: dict[str, str], body: bytes) -> Response:
    session: aiohttp.ClientSession = request.app.state.session
    async with session.request(
        request.method, to.url + path, params=request.query_params.multi_items(), data=body or None, headers=headers
    ) as answer:
        content = await answer.read()
        passed = {"x-predictor": to.predictor}
        for header in ("Seldon-Puid", "Retry-After", "Allow"):
            if header in answer.headers:
                passed[header] = answer.headers[header]
        return Response(content, answer.status, passed, media_type=answer.headers.get("Content-Type"))


async def _mirror(request: Request, to: Backend, path: str, headers: dict[str, str], body: bytes) -> None:
    try:
        await _send(request, to, path, headers, body)
    except (aiohttp.ClientError, OSError, TimeoutError):
        return


def _nothing(namespace: str, name: str, known: bool) -> Response:
    if not known:
        return _error(404, "NotFound", f"no SeldonDeployment {name} in {namespace}; oc get sdep -A lists them")
    answer = _error(
        503,
        "ServiceUnavailable",
        f"{name} in {namespace} has no ready replica; oc describe sdep {name} -n {namespace} says why",
    )
    answer.headers["Retry-After"] = "1"
    return answer


def _error(code: int, reason: str, info: str) -> Response:
    """Seldon's own error shape, so that a client reads one kind of error."""
    return JSONResponse({"status": {"status": 1, "info": info, "code": code, "reason": reason}}, status_code=code)
