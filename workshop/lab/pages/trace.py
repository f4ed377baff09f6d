"""The page *Trace*: from a prediction to its data, and from data or a commit to what serves it."""

from __future__ import annotations

from datetime import UTC, datetime

from delivery import lineage
from delivery.errors import DeliveryError
from delivery.lineage import Trace
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from workshop.checks.lineage import known
from workshop.checks.served import Served
from workshop.errors import WorkshopError
from workshop.lab.pages.choosing import chosen, known_use_cases
from workshop.lab.pages.guidehost import GuideHost

PATH = "/trace/"
LONGEST = 4000
"""Characters of what a person may ask for, an answer included."""


def trace_routes(host: GuideHost) -> list[BaseRoute]:
    """The page with its form. Both fields are in the URL, so a trace can be linked to and printed."""

    async def page(request: Request) -> Response:
        what = request.query_params.get("what", "").strip()
        when = request.query_params.get("at", "").strip()
        found, error = None, ""
        choices = await run_in_threadpool(known_use_cases, host)
        about = chosen(choices, request)
        if what or when:
            try:
                found = await run_in_threadpool(_traced, host, about, what, when)
            except DeliveryError as e:
                error = str(e)
            except WorkshopError as e:
                error = str(e)
        values = {
            "what": what[:LONGEST], "at": when[:LONGEST], "longest": LONGEST, "found": found, "error": error,
            "ways": [lineage.facts(way) for way in found.ways] if found else [],
            "production": host.values()["PRODUCTION_NAMESPACE"], "experiment": host.values().get("EXPERIMENT_URL", ""),
            "in_lab": host.where == "lab", "use_case": about, "use_cases": choices,
        }  # fmt: skip
        return host.page(request, "trace.html", values, status=200 if not error else 404)

    return [Route("/trace", lambda _: RedirectResponse(PATH)), Route(PATH, page)]


def _traced(host: GuideHost, about: Served, what: str, when: str) -> Trace:
    """The trace of one of the two fields. DeliveryError, WorkshopError."""
    if len(what) > LONGEST or len(when) > LONGEST:
        raise DeliveryError(f"this is longer than {LONGEST} characters", next="workshop trace FILE")
    if what and when:
        raise DeliveryError("both fields have a text; allowed is one")
    moment = _moment(when) if when else None
    named = lineage.of_answer(what) if what.startswith("{") else what
    facts = known(host.context(), about)
    return lineage.at(moment, facts) if moment else lineage.traced(named, facts)


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise DeliveryError(f"{text[:80]!r} is no time; allowed: a time in UTC such as 2026-11-29T14:05") from error
