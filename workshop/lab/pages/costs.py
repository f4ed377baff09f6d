"""The page of the cost of errors: a threshold, what its errors cost, and what the gate would say.

The numbers come from `workshop thresholds`, which asks MLflow and Prometheus and calls the use case's gate. It takes
some seconds, so the page asks for them with a second request, and an answer is used for half a minute.
"""

from __future__ import annotations

import asyncio
import json
import time

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from workshop.checks.served import Served
from workshop.lab.pages.choosing import chosen, known_use_cases
from workshop.lab.pages.guidehost import GuideHost

URL = "/measures/costs"
KEPT_SECONDS = 30.0
LONGEST = 1000
"""Characters of an error that are shown."""


def cost_routes(host: GuideHost) -> list[BaseRoute]:
    """The page, and its numbers."""
    asking = asyncio.Lock()
    last: dict[str, tuple[float, JSONResponse]] = {}

    async def page(request: Request) -> Response:
        choices = await run_in_threadpool(known_use_cases, host)
        about = chosen(choices, request)
        names = {"positive": _words(about.positive), "negative": _words(about.negative)}
        return host.page(request, "costs.html", {"here": "costs", "use_case": about, "use_cases": choices, **names})

    async def numbers(request: Request) -> Response:
        about = chosen(await run_in_threadpool(known_use_cases, host), request)
        async with asking:
            found = last.get(about.deployment)
            if found is None or time.monotonic() - found[0] > KEPT_SECONDS:
                answer = await _asked(host, about)
                if answer.status_code != 200:
                    return answer
                # One answer is kept, so that memory does not grow with the use cases.
                last.clear()
                found = last[about.deployment] = time.monotonic(), answer
            return found[1]

    return [Route(URL, page), Route(f"{URL}/numbers", numbers)]


async def _asked(host: GuideHost, about: Served) -> JSONResponse:
    done = await host.jobs.ask("thresholds", "--usecase", about.folder, "-o", "json")
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
