"""Say which of two predictors is better, from what both did: an A/B test's, a canary's or a shadow's.

    python -m delivery compare logistic boosted --minutes 10
    python -m delivery compare shadow main --rate 60 --seconds 20      sends real rows with their truth first

The rules are those of a promotion (rules.py) without the distribution. A is better if B fails the canary rules against
A, and A passes them against B. Without evidence it says so.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Callable, Mapping
from typing import Any

from delivery import cluster, measure, usecase
from delivery.cli import add_output, say
from delivery.cluster import Cluster
from delivery.errors import DeliveryError
from delivery.prometheus import Prometheus
from delivery.rules import BAD, Limits, TrafficStats, decide, judge, quantile
from delivery.traffic import Plan, Report, Traffic

SCRAPED_SECONDS = 75.0
"""How long what was sent may take to be counted: two scrapes at 30 s, as clusters have them, and a little."""


def better(names: tuple[str, str], seen: Mapping[str, TrafficStats], limits: Limits) -> dict[str, Any]:
    """Both predictors' figures, and which is better: a name, or None with why in `because`."""
    one, other = names
    faults = {mine: decide(judge(seen[mine], seen[theirs], limits)) for mine, theirs in ((one, other), (other, one))}
    bad = {name: found for name, (state, found) in faults.items() if state == BAD and found}
    winner, because = None, "neither is worse than the other beyond chance"
    if len(bad) == 1:
        loser = next(iter(bad))
        winner, because = (other if loser == one else one), f"{loser}: {bad[loser].measure}: {bad[loser].text}"
    elif bad:
        because = "; ".join(f"{name}: {found.measure}: {found.text}" for name, found in bad.items())
    return {"predictors": {name: _figures(seen[name]) for name in names}, "better": winner, "because": because}


def _figures(seen: TrafficStats) -> dict[str, Any]:
    return {
        "requests": seen.requests,
        "errors": seen.errors,
        "refused": seen.refused,
        "p95_ms": round(quantile(seen, 0.95) * 1000, 1),
        "rows": seen.rows,
        **seen.quality.figures(),
    }


def counted(
    look: Callable[[], Mapping[str, TrafficStats]],
    *,
    requests: int,
    known: int,
    now: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Mapping[str, TrafficStats]:
    """What Prometheus has counted, as soon as it has so many requests and known rows, or after SCRAPED_SECONDS."""
    until = now() + SCRAPED_SECONDS
    while True:
        seen = look()
        asked = sum(one.requests for one in seen.values())
        with_truth = sum(one.quality.known for one in seen.values())
        if (asked >= requests and with_truth >= known) or now() >= until:
            return seen
        sleep(1.0)


def add(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("names", nargs=2, metavar="PREDICTOR", help="as in the SeldonDeployment")
    parser.add_argument("--minutes", type=float, default=60.0, help="how far back to look (60), at most while both ran")
    parser.add_argument("--rate", type=float, default=0.0, help="requests a second to send first (default: none)")
    parser.add_argument("--rows", type=int, default=10, help="rows in each")
    parser.add_argument("--seconds", type=float, default=20.0, help="for how long")
    parser.add_argument("--margin", type=float, default=0.0, help="of the quality that is no difference")
    add_output(parser)


def run(given: argparse.Namespace) -> int:
    """Send rows when --rate says so, count, and say which predictor is better."""
    config = usecase.read()
    production = Cluster(config)
    running = production.deployed()
    names = (given.names[0], given.names[1])
    if missing := [name for name in names if name not in running]:
        raise DeliveryError(
            f"production has no predictor {missing[0]!r}, allowed: {', '.join(running) or 'none'}", next="oc get sdep"
        )
    # Not before both were there: the champion's earlier hours had other rows.
    began = max(time.time() - given.minutes * 60, *(production.since(name) for name in names))
    sent: Report | None = None
    if given.rate > 0:
        if given.output == "text":
            say(f"---> sends {given.rate:g} requests a second of {given.rows} real rows of the model's test period")
        rows = usecase.load(config).labelled_rows("")
        plan = Plan(given.rate, given.rows, given.seconds, feedback=1.0, connections=8)
        traffic = Traffic(production.url(), rows, plan, task=config.task)
        traffic.start()
        sent = traffic.wait()
    prometheus = Prometheus.from_environment(cluster.namespace())
    seen = counted(
        lambda: measure.since(prometheus, cluster.namespace(), config, began)[0],
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
    lines.append(f"better: {found['better'] or 'not known yet'} ({found['because']})")
    return "\n".join(lines)
