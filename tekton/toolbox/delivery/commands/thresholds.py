"""Print what each threshold of the champion would mean: errors, cost, and what the gate would say.

python -m delivery thresholds [--missed 5] [--false-alarm 1] [-o json]

The rows of the model's test are in its model.json, in bins of 0.01. Those of production are the feedback of a day, as
Prometheus has counted it for the image that is champion, in bins of 0.05. The gate's checks are the use case's own.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from delivery import cluster, counters, usecase
from delivery.card import CARD
from delivery.cli import add_output, say
from delivery.errors import DeliveryError
from delivery.prometheus import Prometheus
from delivery.registry import CHAMPION, Registry
from delivery.usecase import CLASSIFICATION, Check, Config, Scores, UseCase

BINS = 20
"""Bins of production's feedback: see counters.CALIBRATION."""
SPAN = "1d"


@dataclass(frozen=True, slots=True)
class Source:
    """Rows by bin, and the gate's checks at the threshold where each bin begins."""

    rows: int
    step: float
    scores: Scores
    checks: Sequence[Sequence[Check]]


def add(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("--missed", type=float, default=5.0, help="cost of a positive row that was not predicted (5)")
    parser.add_argument("--false-alarm", type=float, default=1.0, help="cost of a negative row that was (1)")
    add_output(parser)


def run(given: argparse.Namespace) -> int:
    """Print it."""
    if not all(math.isfinite(cost) and cost >= 0 for cost in (given.missed, given.false_alarm)):
        raise DeliveryError("--missed and --false-alarm: allowed: numbers of at least 0")
    config = usecase.read()
    if config.task != CLASSIFICATION:
        raise DeliveryError(f"{config.deployment} is a {config.task}: it has no threshold")
    registry = Registry(config.deployment)
    version = registry.version_of(CHAMPION)
    if not version:
        raise DeliveryError(f"{config.deployment} has no champion yet", next="promote a model")
    case, card = usecase.load(config), registry.file(version, CARD)
    with TemporaryDirectory() as folder:
        file = Path(folder) / CARD
        file.write_bytes(card)
        about = json.loads(card)
        test, why_no_test = _test(config, case, file, about)
        digest = registry.tags(version).get("image_digest", "").removeprefix("sha256:")
        production, why_no_production = _production(config, case, file, digest)
    sources = {"test": test, "production": production}
    if given.output == "json":
        reasons = {"test": why_no_test, "production": why_no_production}
        model = {"version": version, "candidate": about.get("candidate", ""), "threshold": about.get("threshold")}
        shown = {
            name: {**asdict(one), "checks": [[asdict(check) for check in checks] for checks in one.checks]}
            if one else {"missing": reasons[name]}
            for name, one in sources.items()
        }  # fmt: skip
        say(json.dumps({"classes": list(config.classes), "model": model, "sources": shown}))
        return 0
    say(f"version {version} of {config.deployment}, a missed row costs {given.missed:g}, a false alarm "
        f"{given.false_alarm:g}")  # fmt: skip
    for title, one, why in (("test", test, why_no_test), (f"production, {SPAN}", production, why_no_production)):
        say(f"\n{title}: {one.rows:,} rows in bins of {one.step:g}" if one else f"\n{title}: {why}")
        if one:
            _table(one, given.missed, given.false_alarm)
    return 0


def _test(config: Config, case: UseCase, file: Path, about: dict[str, Any]) -> tuple[Source | None, str]:
    """The rows of the model's test, or why there are none."""
    scores = about.get("scores") or {}
    if set(scores) != set(config.classes):
        return None, "model.json has no scores: an older version of the kit trained it, next: train again"
    return _source(case, file, Scores(scores[config.negative], scores[config.positive])), ""


def _production(config: Config, case: UseCase, file: Path, digest: str) -> tuple[Source | None, str]:
    """The rows of production with feedback, or why there are none."""
    chosen = f'namespace="{cluster.namespace()}", deployment_name="{config.deployment}", model_version="{digest}"'
    try:
        prometheus = Prometheus.from_environment(cluster.namespace())
        found = prometheus.now(f"sum by (bin, actual) (increase({counters.CALIBRATION}{{{chosen}}}[{SPAN}]))")
    except DeliveryError as error:
        return None, str(error)
    counted = {name: [0] * BINS for name in config.classes}
    for labels, value in found:
        at = round(float(labels["bin"]) * BINS)
        counted[labels["actual"]][at] += round(value)
    scores = Scores(counted[config.negative], counted[config.positive])
    if not scores.rows:
        return None, f"no row of the champion got feedback within {SPAN}"
    return _source(case, file, scores), ""


def _source(case: UseCase, file: Path, scores: Scores) -> Source:
    return Source(scores.rows, 1 / len(scores.negative), scores, case.gate_by_threshold(file, scores))


def _table(one: Source, missed: float, false_alarm: float) -> None:
    every = max(1, round(0.05 / one.step))
    costs = [_cost(one.scores, at, missed, false_alarm) for at in range(len(one.checks))]
    best = costs.index(min(costs))
    say(f"{'threshold':>9} {'precision':>9} {'recall':>7} {'cost of 1,000':>14}  gate")
    for at, checks in enumerate(one.checks):
        if at % every and at != best:
            continue
        found, failed = one.scores.at(at), [check.name for check in checks if not check.passed]
        gate = f"closed: {', '.join(failed)}" if failed else "open"
        mark = "  <- costs least" if at == best else ""
        say(f"{at * one.step:>9.2f} {found.precision:>9.1%} {found.recall:>7.1%} {costs[at]:>14,.0f}  {gate}{mark}")


def _cost(scores: Scores, at: int, missed: float, false_alarm: float) -> float:
    found = scores.at(at)
    return 1000 * (missed * found.misses + false_alarm * found.false_alarms) / max(1, scores.rows)
