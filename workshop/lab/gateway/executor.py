"""The service orchestrator of a predictor, as Seldon's executor.

Paths, headers, metrics and errors are the executor's. An error of a node is passed on with its status and body. An
error of the orchestrator is 500 with status FAILURE. The executor sets the content type of an error after it has
written the header, so it is text/plain there; here too.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass

import orjson

from workshop.lab.gateway import messages
from workshop.lab.gateway.call import Call, passed
from workshop.lab.gateway.metrics import PodMetrics
from workshop.lab.gateway.upstream import Answer, Broken, Headers, Upstream
from workshop.lab.gateway.walk import METADATA, STATUS, NodeError, Walk, WalkError, find, graph_metadata
from workshop.lab.routes import Backend, Target
from workshop.manifests.seldon import PredictiveUnit

_HEADERS: Headers = [
    (
        b"access-control-allow-headers",
        b"Accept, Accept-Encoding, Authorization, Content-Length, Content-Type, X-CSRF-Token",
    ),
    (b"access-control-allow-methods", b"GET, OPTIONS, POST"),
    (b"access-control-allow-origin", b"*"),
    (b"x-content-type-options", b"nosniff"),
]
READY = "ready"
"""The service of the paths that say whether every node can be reached; in the metrics it is `status`."""
_DOC = re.compile(r"/(api/v0\.1/doc|api/v1\.0/doc|v2/docs)/")
"""Where the executor serves a page of its API."""
_PLAIN = (b"content-type", b"text/plain; charset=utf-8")


@dataclass(frozen=True)
class Asked:
    """The meaning of a path: the service label of its metrics, the method, and the node if the path names one."""

    service: str
    method: str
    node: str = ""


async def execute(
    call: Call, target: Target, backend: Backend, upstream: Upstream, metrics: PodMetrics, seconds: float, last: bool
) -> Answer:
    """The orchestrator's answer. Raises Broken when a node's connection broke and this is not the last try."""
    plan = target.orchestrated
    assert plan is not None
    own = [*_HEADERS, (b"seldon-puid", call.puid)]
    asked = meaning(call.path, plan.protocol)
    if call.method == "OPTIONS":
        return Answer(200, own)
    if asked is None and call.path == "/live":
        return Answer(200, own)
    if asked is None and _DOC.match(call.path):
        return Answer(200, [*own, _PLAIN], _description(plan.protocol).encode())
    if asked is None:
        return Answer(404, [*own, _PLAIN], b"404 page not found\n")
    if call.method != asked.method:
        return Answer(405, own)
    headers = [h for h in passed(call.headers) if h[0] not in (b"accept-encoding", b"seldon-puid")]
    headers.append((b"seldon-puid", call.puid))
    walk = Walk(plan, backend, upstream, metrics, headers, seconds)
    walk.content_type = next((v for k, v in call.headers if k == b"content-type"), walk.content_type)
    began = time.perf_counter()
    try:
        if asked.service == READY:
            ready = await walk.ready(
                [unit.name for unit in _nodes(plan.graph) if unit.implementation != "RANDOM_ABTEST"]
            )
            metrics.answered("status", call.method, 200 if ready else 503, time.perf_counter() - began)
            return Answer(200 if ready else 503, own)
        body = await _walked(walk, plan.graph, target.predictor, asked, call.body)
        answer = Answer(200, [*own, (b"content-type", walk.content_type)], messages.escaped(body))
    except NodeError as e:
        answer = Answer(e.answer.status, [*own, _PLAIN], messages.escaped(e.answer.body))
    except WalkError as e:
        answer = Answer(500, [*own, _PLAIN], messages.escaped(messages.failure(str(e))))
    except Broken as e:
        if not last:
            raise
        answer = Answer(500, [*own, _PLAIN], messages.escaped(messages.failure(str(e))))
    metrics.answered(asked.service, call.method, answer.status, time.perf_counter() - began)
    return answer


def meaning(path: str, protocol: str) -> Asked | None:
    """The operation of a path, or None."""
    words = path.strip("/").split("/")
    if words == ["ready"]:
        return Asked(READY, "GET")
    if protocol != "seldon":
        match words:
            case ["v2", "models", "infer"] | ["v2", "models", _, "infer"]:
                return Asked("predictions", "POST")
            case ["v2", "health", "ready"]:
                return Asked(READY, "GET")
            case ["api", "v1.0", "feedback"]:
                return Asked("feedback", "POST")
            case ["v2", "models", node, "ready"]:
                return Asked("status", "GET", node)
            case ["v2", "models", node]:
                return Asked("metadata", "GET", node)
        return None
    match words:
        case ["api", "v0.1" | "v1.0", "predictions" | "feedback" as service]:
            return Asked(service, "POST")
        case ["api", "v1.0", "status"] | ["api", "v1.0", "health", "status"]:
            return Asked(READY, "GET")
        case ["api", "v1.0", "metadata"]:
            return Asked("metadata", "GET")
        case ["api", "v0.1" | "v1.0", "metadata" | "status" as service, node]:
            return Asked(service, "GET", node)
    return None


async def _walked(walk: Walk, graph: PredictiveUnit, predictor: str, asked: Asked, body: bytes) -> bytes:
    if asked.service == "predictions":
        return await walk.predict(graph, body)
    if asked.service == "feedback":
        return await walk.feedback(graph, body)
    if asked.node:
        if find(graph, asked.node) is None:
            raise WalkError(f"Failed to find model {asked.node}")
        return await walk.ask(asked.node, STATUS if asked.service == "status" else METADATA, None)
    models: dict[str, object] = {}
    for unit in _nodes(graph):
        if unit.implementation != "RANDOM_ABTEST":
            models[unit.name] = orjson.loads(await walk.ask(unit.name, METADATA, None))
    walk.content_type = b"application/json"
    return orjson.dumps(graph_metadata(predictor, graph, models))


def _description(protocol: str) -> str:
    """Replaces the executor's page of its API, which loads scripts from the internet."""
    if protocol != "seldon":
        return "POST v2/models/infer; GET v2/models/<node>, v2/models/<node>/ready, v2/health/ready\n"
    return (
        "POST api/v1.0/predictions, api/v1.0/feedback\n"
        "GET api/v1.0/metadata, api/v1.0/metadata/<node>, api/v1.0/status, api/v1.0/status/<node>, ready, live\n"
        "A model server of this kit describes its own requests at /docs of its port.\n"
    )


def _nodes(unit: PredictiveUnit) -> list[PredictiveUnit]:
    return [unit, *(node for child in unit.children for node in _nodes(child))]
