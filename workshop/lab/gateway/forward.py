"""Chooses a predictor and a replica, and tries again when a connection breaks."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from workshop.lab.gateway import answers
from workshop.lab.gateway.call import Call, passed, returned
from workshop.lab.gateway.executor import execute
from workshop.lab.gateway.metrics import AllMetrics
from workshop.lab.gateway.upstream import Answer, Broken, Headers, Refused, Upstream
from workshop.lab.routes import Backend, Target

SECONDS = 60.0
"""Time limit for an answer, in seconds."""
SENDS = 3
"""How often a prediction is sent when connections break.

The limit keeps a request that crashes servers from crashing all.
"""


@dataclass(frozen=True)
class Choice:
    """A predictor that can answer, with its weight."""

    name: str
    target: Target
    weight: int


class Forwarder:
    """Sends requests to model servers and orchestrators."""

    def __init__(self, upstream: Upstream, metrics: AllMetrics) -> None:
        self._upstream, self._metrics = upstream, metrics

    async def answer(self, namespace: str, name: str, choices: Callable[[], Sequence[Choice]], call: Call) -> Answer:
        """The answer of one of the choices, which are looked up again for each try."""
        refused: set[int] = set()
        broke: set[int] = set()
        sends = 0
        while True:
            candidates = _candidates(choices(), refused)
            if not candidates:
                return answers.not_ready(namespace, name)
            choice = random.choices(candidates, [c.weight for c in candidates])[0]  # noqa: S311 routing, no secret
            ready = [b for b in choice.target.backends if b.port not in refused]
            backend = self._quietest(ready, broke)
            sends += 1
            last = sends == SENDS or not call.repeatable or sum(len(c.target.backends) for c in candidates) == 1
            try:
                return await self._send(namespace, choice, backend, call, last)
            except Refused:
                # The server ended between routing and connecting; nothing was sent.
                refused.add(backend.port)
                sends -= 1
            except Broken:
                broke.add(backend.port)
                if sends == SENDS or not call.repeatable:
                    return answers.broken(name)
            except TimeoutError:
                return answers.too_late(name, SECONDS)

    async def _send(self, namespace: str, choice: Choice, backend: Backend, call: Call, last: bool) -> Answer:
        mark: Headers = [(b"x-predictor", choice.target.predictor.encode())]
        if choice.target.orchestrated is not None:
            metrics = self._metrics.of(namespace, backend.pod)
            if metrics is None:
                raise Refused("the pod is gone")
            answer = await execute(call, choice.target, backend, self._upstream, metrics, SECONDS, last)
            answer.headers += mark
            return answer
        answer = await self._upstream.call(
            backend.port,
            call.method,
            call.target,
            passed(call.headers),
            call.body,
            SECONDS,
            fresh=not call.repeatable,
        )
        answer.headers = returned(answer.headers) + mark
        return answer

    def _quietest(self, backends: list[Backend], broke: set[int]) -> Backend:
        """The replica with the fewest open requests. A replica that just failed comes last."""
        busy = self._upstream.busy
        if len(backends) == 1:
            return backends[0]
        return min(backends, key=lambda b: (b.port in broke, busy.get(b.port, 0), random.random()))  # noqa: S311


def _candidates(choices: Sequence[Choice], refused: set[int]) -> list[Choice]:
    """The predictors that can answer now. If all have weight 0, each of them can."""
    ready = [c for c in choices if any(b.port not in refused for b in c.target.backends)]
    if any(c.weight > 0 for c in ready):
        return [c for c in ready if c.weight > 0]
    return [Choice(c.name, c.target, 1) for c in ready]
