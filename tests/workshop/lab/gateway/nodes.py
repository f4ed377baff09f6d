"""A graph node with scripted answers that records its requests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from aiohttp import web

from workshop.lab.gateway import build
from workshop.lab.routes import Backend, Orchestrated, Routes, Target
from workshop.manifests.seldon import Parameter, PredictiveUnit, defaulted

NAMESPACE, NAME, POD = "user1-staging", "flight-delay", "flight-delay-main-0-x"
BASE = f"/seldon/{NAMESPACE}/{NAME}"
PREDICTIONS, FEEDBACK = f"{BASE}/api/v1.0/predictions", f"{BASE}/api/v1.0/feedback"

Says = Callable[[str, Any], Any]
"""Path and JSON of a request to what the node answers: JSON, or a web.Response."""


@dataclass
class Node:
    """One running server."""

    says: Says
    port: int = 0
    asked: list[tuple[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)


@asynccontextmanager
async def running(**said: Says) -> AsyncIterator[dict[str, Node]]:
    """Nodes by name, each on a free port."""
    async with AsyncExitStack() as stack:
        nodes = {}
        for name, says in said.items():
            node = nodes[name] = Node(says)
            app = web.Application()
            app.router.add_route("*", "/{path:.*}", _handler(node))
            runner = web.AppRunner(app)
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            node.port = runner.addresses[0][1]
        yield nodes


def _handler(node: Node) -> Callable[[web.Request], Any]:
    async def answer(request: web.Request) -> web.StreamResponse:
        body = await request.json() if request.can_read_body else None
        node.asked.append((request.path, body))
        node.headers.append({k.lower(): v for k, v in request.headers.items()})
        said = node.says(request.path, body)
        return said if isinstance(said, web.Response) else web.json_response(said)

    return answer


@asynccontextmanager
async def graph(unit: PredictiveUnit, nodes: dict[str, Node], **more: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A gateway with one predictor, `main`, whose one pod has the nodes."""
    images = {name: f"registry:5000/{name}:1" if name == "odd" else f"{name}:7" for name in nodes}
    plan = Orchestrated(defaulted(unit), version="v3", images=images, **more)
    pod = Backend(POD, 1, {name: node.port for name, node in nodes.items()})
    routes = Routes()
    routes.set(NAMESPACE, NAME, (Target("main", "flight-delay-main", (pod,), orchestrated=plan),))
    async with gateway(routes) as client:
        yield client


@asynccontextmanager
async def gateway(routes: Routes) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a gateway over these routes."""
    app = build(routes)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as client:
        yield client
    app.close()


def unit(name: str, *children: PredictiveUnit, type_: str = "", **more: Any) -> PredictiveUnit:
    """A node of a graph."""
    return PredictiveUnit(name=name, type=type_, children=list(children), **more)


def ratio_a(value: str) -> list[Parameter]:
    """The parameter of RANDOM_ABTEST."""
    return [Parameter(name="ratioA", value=value, type="FLOAT")]
