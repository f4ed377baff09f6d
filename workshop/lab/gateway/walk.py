"""Runs one request through a graph: transform-input, route, children, aggregate, transform-output; feedback likewise.

The order, the methods called for each type, and the handling of errors are the executor's (seldon-core 1.17.1,
`predictor_process.go`). Messages go from node to node as bytes, so the nodes determine meta (tags, requestPath,
metrics).
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

from workshop.lab.gateway import messages
from workshop.lab.gateway.metrics import PodMetrics
from workshop.lab.gateway.upstream import Answer, Broken, Headers, Upstream
from workshop.lab.routes import Backend, Orchestrated
from workshop.manifests.seldon import PredictiveUnit

PREDICT, ROUTE, COMBINE, FEEDBACK = "/predict", "/route", "/aggregate", "/send-feedback"
INPUT, OUTPUT, STATUS, METADATA = "/transform-input", "/transform-output", "/health/status", "/metadata"
_V2 = {
    PREDICT: "/v2/models/{}/infer",
    INPUT: "/v2/models/{}/infer",
    OUTPUT: "/v2/models/{}/infer",
    COMBINE: "/v2/models/{}/aggregate",
    ROUTE: "/v2/models/{}/route",
    FEEDBACK: "/v2/models/{}/feedback",
    STATUS: "/v2/models/{}/ready",
    METADATA: "/v2/models/{}",
}
_In = TypeVar("_In")
_Out = TypeVar("_Out")

ALL, NONE = -1, -2
"""Results of a router that are not a child's number."""


class NodeError(Exception):
    """A node answered with an error, which is passed to the caller unchanged."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"status {answer.status}")
        self.answer = answer


class WalkError(Exception):
    """The orchestrator itself failed."""


class Walk:
    """One request's path through the graph of one Pod."""

    def __init__(
        self,
        plan: Orchestrated,
        pod: Backend,
        upstream: Upstream,
        metrics: PodMetrics,
        headers: Headers,
        seconds: float,
    ) -> None:
        self._plan, self._pod, self._upstream, self._metrics = plan, pod, upstream, metrics
        self._headers = headers
        self._seconds = plan.timeout or seconds
        self.routing: dict[str, int] = {}
        """The branch taken at each node, as in meta.routing."""
        self.content_type = b"application/json"

    async def predict(self, unit: PredictiveUnit, message: bytes) -> bytes:
        """The answer of the graph below a node. Raises NodeError, WalkError, Broken."""
        message = await self._input(unit, message)
        message = await self._children(unit, message)
        message = await self._output(unit, message)
        return messages.with_routing(message, self.routing) if self._plan.tells_routing else message

    async def feedback(self, unit: PredictiveUnit, message: bytes) -> bytes:
        """Send feedback to every node that took part, by response.meta.routing. Raises as `predict`."""
        if unit.children:
            branch = messages.feedback_route(message, unit.name)
            chosen = unit.children if branch == ALL else [] if branch == NONE else [_child(unit, branch)]
            await self._together([(self.feedback, child) for child in chosen], message)
        if unit.type in ("MODEL", "ROUTER") or "SEND_FEEDBACK" in unit.methods:
            if self._plan.protocol != "seldon":
                return message
            return await self.ask(unit.name, FEEDBACK, message)
        return message

    async def ask(self, node: str, service: str, message: bytes | None) -> bytes:
        """One call of a node. Raises NodeError, WalkError, Broken."""
        path = _V2[service].format(node) if self._plan.protocol != "seldon" else service
        port = self._port(node)
        method = "GET" if message is None else "POST"
        headers = self._headers
        if message is not None:
            headers = [*(h for h in headers if h[0] != b"content-type"), (b"content-type", self.content_type)]
        began = time.perf_counter()
        try:
            # Feedback is counted, so it must not be sent twice: use a connection that the server cannot be closing.
            answer = await self._upstream.call(
                port, method, path.encode(), headers, message or b"", self._seconds, fresh=service == FEEDBACK
            )
        except TimeoutError:
            url = f"http://localhost:{port}{path}"
            raise WalkError(f'{method.title()} "{url}": context deadline exceeded after {self._seconds:g} s') from None
        self._metrics.asked(node, path, method, answer.status, time.perf_counter() - began)
        if answer.status != 200:
            raise NodeError(answer)
        self.content_type = answer.header(b"content-type") or self.content_type
        return answer.body

    async def ready(self, nodes: Sequence[str]) -> bool:
        """Whether the port of each node accepts a connection, as the executor checks it."""
        try:
            await asyncio.gather(*(self._upstream.reach(self._port(node)) for node in nodes))
        except Broken:
            return False
        return True

    async def _input(self, unit: PredictiveUnit, message: bytes) -> bytes:
        transforms = unit.type == "TRANSFORMER" or "TRANSFORM_INPUT" in unit.methods
        if not transforms and unit.type != "MODEL":
            return message
        self.routing[unit.name] = ALL
        return await self.ask(unit.name, INPUT if transforms else PREDICT, self._chained(message))

    async def _output(self, unit: PredictiveUnit, message: bytes) -> bytes:
        if unit.type != "OUTPUT_TRANSFORMER" and "TRANSFORM_OUTPUT" not in unit.methods:
            return message
        return await self.ask(unit.name, OUTPUT, self._chained(message))

    async def _children(self, unit: PredictiveUnit, message: bytes) -> bytes:
        if not unit.children:
            return message
        branch = await self._branch(unit, message)
        if branch == NONE:
            self.routing[unit.name] = NONE
            return message
        chosen = unit.children if branch == ALL else [_child(unit, branch)]
        answers = await self._together([(self.predict, child) for child in chosen], message)
        self.routing[unit.name] = branch
        if unit.type == "COMBINER" or "AGGREGATE" in unit.methods:
            self.routing[unit.name] = ALL
            return await self.ask(unit.name, COMBINE, _read(messages.combined, answers))
        return answers[0]

    async def _branch(self, unit: PredictiveUnit, message: bytes) -> int:
        if unit.type == "ROUTER" or "ROUTE" in unit.methods:
            return _read(messages.route_of, await self.ask(unit.name, ROUTE, message))
        if unit.implementation == "RANDOM_ABTEST":
            return 0 if random.random() < ratio_a(unit) else 1  # noqa: S311 routing, not a secret
        return ALL

    async def _together(
        self, steps: list[tuple[Callable[[PredictiveUnit, bytes], Awaitable[bytes]], PredictiveUnit]], message: bytes
    ) -> list[bytes]:
        """Call all children at once and wait for all. The first error in the order of the graph is raised."""
        if len(steps) == 1:
            return [await steps[0][0](steps[0][1], message)]
        results = await asyncio.gather(*(step(unit, message) for step, unit in steps), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return [result for result in results if isinstance(result, bytes)]

    def _chained(self, message: bytes) -> bytes:
        return _read(messages.chained, message) if self._plan.protocol != "seldon" else message

    def _port(self, node: str) -> int:
        if node in self._pod.nodes:
            return self._pod.nodes[node]
        others = self._plan.elsewhere.get(node, ())
        if not others:
            raise Broken(f"no ready pod has the container {node}")
        return min(others, key=lambda port: (self._upstream.busy.get(port, 0), random.random()))  # noqa: S311


def ratio_a(unit: PredictiveUnit) -> float:
    """The share of RANDOM_ABTEST's first child: its parameter ratioA, else half. Raises ValueError."""
    if len(unit.parameters) == 1 and unit.parameters[0].name == "ratioA":
        return float(unit.parameters[0].value)
    return 0.5


def find(unit: PredictiveUnit, name: str) -> PredictiveUnit | None:
    """The node of this name, or None."""
    if unit.name == name:
        return unit
    return next((found for child in unit.children if (found := find(child, name))), None)


def graph_metadata(name: str, unit: PredictiveUnit, models: Mapping[str, object]) -> dict[str, object]:
    """The inputs and outputs of the whole graph, from the metadata of its nodes."""
    first, last = _edges(unit, models)
    return {"name": name, "models": models, "graphinputs": first.get("inputs"), "graphoutputs": last.get("outputs")}


def _edges(unit: PredictiveUnit, models: Mapping[str, object]) -> tuple[dict[str, object], dict[str, object]]:
    """The metadata of the node that takes the request, and of the node that gives the answer."""
    found = models.get(unit.name)
    own: dict[str, object] = found if isinstance(found, dict) else {}
    if not unit.children:
        return own, own
    first, last = _edges(unit.children[0], models)
    if unit.type in ("MODEL", "TRANSFORMER"):
        return own, last
    if unit.type in ("OUTPUT_TRANSFORMER", "COMBINER"):
        return first, own
    return first, last


def _child(unit: PredictiveUnit, branch: int) -> PredictiveUnit:
    if not 0 <= branch < len(unit.children):
        raise WalkError(f"router {unit.name} chose branch {branch}; it has {len(unit.children)}, counted from 0")
    return unit.children[branch]


def _read(function: Callable[[_In], _Out], value: _In) -> _Out:
    try:
        return function(value)
    except messages.MessageError as e:
        raise WalkError(str(e)) from e
