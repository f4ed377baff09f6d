"""The page of the cost of errors: a threshold, what its errors cost, and what the gate would say.

The numbers come from `workshop thresholds`, which asks MLflow and Prometheus and calls the use case's gate. It takes
some seconds, so the page asks for them with a second request, and an answer is used for half a minute.
"""

from __future__ import annotations

import asyncio
import json
import time

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from workshop.lab.pages.guidehost import GuideHost
from workshop.usecase import USE_CASE

URL = "/measures/costs"
KEPT_SECONDS = 30.0
LONGEST = 1000
"""Characters of an error that are shown."""


def cost_routes(host: GuideHost) -> list[BaseRoute]:
    """The page, and its numbers."""
    asking = asyncio.Lock()
    last: tuple[float, JSONResponse] | None = None

    async def page(request: Request) -> Response:
        names = {"positive": _words(USE_CASE.positive), "negative": _words(USE_CASE.negative)}
        about = {"here": "costs", "task": USE_CASE.task, "deployment": USE_CASE.deployment}
        return host.page(request, "costs.html", {**about, **names})

    async def numbers(_: Request) -> Response:
        nonlocal last
        async with asking:
            if last is None or time.monotonic() - last[0] > KEPT_SECONDS:
                answer = await _asked(host)
                if answer.status_code != 200:
                    return answer
                last = time.monotonic(), answer
            return last[1]

    return [Route(URL, page), Route(f"{URL}/numbers", numbers)]


async def _asked(host: GuideHost) -> JSONResponse:
    done = await host.jobs.ask("thresholds", "-o", "json")
    text = done.text.strip()
    if done.code != 0 or not text:
        return JSONResponse({"error": text[-LONGEST:] or "workshop thresholds printed nothing"}, status_code=503)
    try:
        # Warnings of libraries may come before the answer.
        found = json.loads(text.splitlines()[-1])
    except ValueError:
        return JSONResponse({"error": text[-LONGEST:]}, status_code=503)
    return JSONResponse(found, headers={"Cache-Control": "no-store"})


def _words(name: str) -> str:
    return name.replace("_", " ")
