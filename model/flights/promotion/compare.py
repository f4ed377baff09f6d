"""Say which of two predictors is better, from what both did since a moment: an A/B test's, a canary's or a shadow's.

    python -m flights.promotion.compare logistic boosted --minutes 10
    python -m flights.promotion.compare shadow main --rate 60 --seconds 20      sends flights with their truth first

The rules are those of a promotion (rules.py) without the distribution, asked both ways: A is better when B would be
sent back beside A and A would not beside B. Without evidence either way it says so.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

from flights import params
from flights.cli import exit_code, say
from flights.errors import FlightsError
from flights.paths import home
from flights.promotion import cluster, measure
from flights.promotion.prometheus import Prometheus
from flights.promotion.rules import BAD, Limits, Seen, balanced_accuracy, judge, quantile, verdict
from flights.traffic import Plan, Report, Traffic, flights_of

SCRAPED_SECONDS = 75.0
"""How long what was sent may take to be seen: two scrapes at 30 s, as clusters have them, and a little."""


def better(names: tuple[str, str], seen: dict[str, Seen], limits: Limits) -> dict[str, Any]:
    """Both predictors' figures, and which is better: a name, or None with why in `because`."""
    one, other = names
    faults = {mine: verdict(judge(seen[mine], seen[theirs], limits)) for mine, theirs in ((one, other), (other, one))}
    bad = {name: found for name, (state, found) in faults.items() if state == BAD and found}
    winner, because = None, "neither is surely worse than the other"
    if len(bad) == 1:
        loser = next(iter(bad))
        winner, because = (other if loser == one else one), f"{loser}: {bad[loser].measure}: {bad[loser].text}"
    elif bad:
        because = "; ".join(f"{name}: {found.measure}: {found.text}" for name, found in bad.items())
    return {"predictors": {name: _figures(seen[name]) for name in names}, "better": winner, "because": because}


def _figures(seen: Seen) -> dict[str, Any]:
    known = sum(seen.outcomes.values())
    positive = sum(count for (predicted, _), count in seen.outcomes.items() if predicted == 1)
    caught, late = seen.rate(1)
    return {
        "requests": seen.requests,
        "errors": seen.errors,
        "refused": seen.refused,
        "p95_ms": round(quantile(seen, 0.95) * 1000, 1),
        "rows": seen.rows,
        "known": known,
        "balanced_accuracy": round(balanced_accuracy(seen), 4) if known else None,
        "recall": round(caught / late, 4) if late else None,
        "precision": round(caught / positive, 4) if positive else None,
    }


def counted(
    look: Callable[[], Mapping[str, Seen]],
    *,
    requests: int,
    known: int,
    now: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Mapping[str, Seen]:
    """What Prometheus has counted, as soon as it has so many requests and rows whose truth is known, or in the end."""
    until = now() + SCRAPED_SECONDS
    while True:
        seen = look()
        asked = sum(one.requests for one in seen.values())
        told = sum(sum(one.outcomes.values()) for one in seen.values())
        if (asked >= requests and told >= known) or now() >= until:
            return seen
        sleep(1.0)


def main(argv: list[str] | None = None) -> int:
    """Send flights when asked to, count, and say which is better."""
    parser = argparse.ArgumentParser(prog="python -m flights.promotion.compare", description=__doc__.split("\n", 1)[0])
    parser.add_argument("names", nargs=2, metavar="PREDICTOR", help="as in the SeldonDeployment")
    parser.add_argument("--minutes", type=float, default=60.0, help="how far back to look (60), at most while both ran")
    parser.add_argument("--rate", type=float, default=0.0, help="requests a second to send first (default: none)")
    parser.add_argument("--rows", type=int, default=10, help="flights in each")
    parser.add_argument("--seconds", type=float, default=20.0, help="for how long")
    parser.add_argument("--margin", type=float, default=0.0, help="of balanced accuracy that is no difference")
    parser.add_argument("-o", "--output", choices=["text", "json"], default="text")
    given = parser.parse_args(argv)
    running = cluster.deployed()
    names = (given.names[0], given.names[1])
    if missing := [name for name in names if name not in running]:
        raise FlightsError(
            f"production has no predictor {missing[0]!r}, allowed: {', '.join(running) or 'none'}, next: oc get sdep"
        )
    # Not before both were there: the champion's earlier hours had other flights.
    began = max(time.time() - given.minutes * 60, *(cluster.since(name) for name in names))
    sent: Report | None = None
    if given.rate > 0:
        month = params.load().test_month
        if given.output == "text":
            say(f"---> sends {given.rate:g} requests a second of {given.rows} real flights of month {month}")
        traffic = Traffic(os.environ["PRODUCTION_URL"], flights_of(month, home() / "data"),
                          Plan(given.rate, given.rows, given.seconds, feedback=1.0, connections=8))  # fmt: skip
        traffic.start()
        sent = traffic.wait()
    prometheus = Prometheus.from_environment(cluster.namespace())
    seen = counted(
        lambda: measure.since(prometheus, cluster.namespace(), cluster.NAME, began)[0],
        requests=sent.codes.total() - sent.codes[0] if sent else 0,
        known=sent.rows if sent and set(sent.feedback_codes) == {200} else 0,
    )
    found = better(names, {name: seen[name] for name in names}, _limits(given.margin))
    say(json.dumps(found) if given.output == "json" else _text(found))
    return 0


def _limits(margin: float) -> Limits:
    """Those of a promotion, without the distribution: that two models differ makes neither better."""
    return Limits(quality_margin=margin, max_psi=math.inf)


def _text(found: dict[str, Any]) -> str:
    columns = list(next(iter(found["predictors"].values())))
    lines = ["".join(f"{word:>19}" for word in ["", *columns])]
    for name, figures in found["predictors"].items():
        lines.append("".join(f"{'-' if value is None else value:>19}" for value in [name, *figures.values()]))
    lines.append(f"better: {found['better'] or 'nobody can say yet'} ({found['because']})")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(exit_code(main))
