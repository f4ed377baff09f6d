"""The page of the delivery measures: four numbers with their definitions, and when which release was in production.

The data is the history of production, a ConfigMap in its namespace: the page is the same in the lab and on a cluster.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from delivery import history
from delivery.errors import DeliveryError
from delivery.history import Entry
from delivery.measures import EXCLUDED, SOURCE, duration, lines, measured
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from workshop.checks.served import Served
from workshop.errors import WorkshopError
from workshop.lab.pages.choosing import chosen, known_use_cases
from workshop.lab.pages.guidehost import GuideHost
from workshop.lab.pages.times import parsed
from workshop.languages.catalog import N_

URL = "/measures/delivery"
WIDTH = 1000
"""The width of the timeline in its own units; the page scales it."""
NARROWEST = 4
_OF_THE_TOOLBOX = (
    N_("Lead time for changes"),
    N_("Deployment frequency"),
    N_("Change failure rate"),
    N_("Time to restore service"),
    N_("The median time from the commit of a release to its promotion, each commit once."),
    N_("Promotions a day, from the first to now."),
    N_(
        "The share of the changes that failed: promotions that a rollback ended, and canaries that production did not "
        "keep."
    ),
    N_("The median time from the promotion of a release that failed to the end of its rollback."),
    N_("none yet"),
    N_("no failure yet"),
    N_("Not counted as changes: rollbacks, A/B tests, shadows, and what ran before the history began."),
)
"""Texts of `delivery.measures`, which the catalogs need; the page translates them."""
_WORDS = {
    history.PROMOTED: (N_("promoted"), "ok"),
    history.ROLLED_BACK: (N_("rolled back to"), "warn"),
    history.CANARY_REFUSED: (N_("canary refused"), "bad"),
    history.AB_TEST: (N_("A/B test"), "idle"),
    history.SHADOW: (N_("shadow"), "idle"),
}


@dataclass(frozen=True)
class Release:
    """An entry as a row and as a bar: `x` and `width` are in units of the timeline.

    A canary and a test were never production alone, so they are a mark at their end.
    """

    version: str
    what: str
    mark: str
    since: str
    until: str
    took: str
    commit: str
    by: str
    why: str
    x: int
    width: int
    alone: bool


def delivery_routes(host: GuideHost) -> list[BaseRoute]:
    """The page."""

    async def page(request: Request) -> Response:
        now = history.now()
        problem, entries = "", list[Entry]()
        choices = await run_in_threadpool(known_use_cases, host)
        about = chosen(choices, request)
        try:
            entries = await run_in_threadpool(_entries, host, about)
        except (DeliveryError, WorkshopError) as e:
            problem = str(e)
        found = measured(entries, now)
        values = {
            "here": "delivery",
            "use_case": about,
            "use_cases": choices,
            "problem": problem,
            "measures": lines(found),
            "found": found,
            "excluded": EXCLUDED,
            "source": SOURCE,
            "kept": history.KEPT,
            "releases": releases(entries, now),
            "width": WIDTH,
        }
        return host.page(request, "delivery.html", values)

    return [Route(URL, page)]


def _entries(host: GuideHost, about: Served) -> list[Entry]:
    """The history of a use case. Raises DeliveryError when it is not valid, WorkshopError when the cluster fails."""
    context = host.context()
    config_map = context.cluster.find("ConfigMap", context.namespace("production"), f"{about.deployment}-history")
    return history.entries_of(config_map)


def releases(entries: Sequence[Entry], now: str) -> list[Release]:
    """The entries, newest first, with their places on a timeline from the oldest to now."""
    end = parsed(now) or datetime.now(UTC)
    times = [time for one in entries for text in (one.since, one.until) if (time := parsed(text))]
    start = min(times, default=end)
    whole = max(1.0, (end - start).total_seconds())

    def at(text: str) -> float:
        return WIDTH * ((parsed(text) or end) - start).total_seconds() / whole

    made = []
    for one in reversed(entries):
        what, mark = _WORDS.get(one.cause, (one.cause or "unknown", "idle"))
        alone = bool(one.since)
        x = min(max(0.0, at(one.since or one.until)), WIDTH - NARROWEST)
        width = max(NARROWEST, min(at(one.until), WIDTH) - x) if alone else NARROWEST
        since, until = parsed(one.since), parsed(one.until)
        seconds = ((until or end) - since).total_seconds() if since else None
        made.append(
            Release(
                one.model_version,
                what,
                mark,
                one.since,
                one.until or (N_("now") if alone else ""),
                duration(seconds) if seconds is not None else "",
                one.git_commit[:12],
                one.by,
                one.reason or one.left,
                round(x),
                round(width),
                alone,
            )
        )
    return made
