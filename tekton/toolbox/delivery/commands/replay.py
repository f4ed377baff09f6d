"""Play past periods through production as they happened, faster, and say which alert fired when.

python -m delivery replay --period 9-12 --speed 5000
"""

from __future__ import annotations

import argparse
import json
import signal
import time
from collections.abc import Iterator
from typing import Any

from delivery import cluster, replay, usecase
from delivery.cli import add_output, say
from delivery.cluster import Cluster
from delivery.errors import DeliveryError
from delivery.prometheus import Prometheus
from delivery.replay import Replay
from delivery.traffic import Caller
from delivery.usecase import Config, LabelledRows, UseCase

EVERY = 10.0
"""Seconds between two lines of progress."""
LAST_LOOK = 20.0
"""Seconds after the last row until the alerts are read: one scrape and one evaluation later they know of it."""


def add(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("--url", default="", help="of the deployment (default: production's)")
    parser.add_argument("--period", default="", help="as the use case names it: 9-12 are four months of flights")
    parser.add_argument("--speed", type=float, default=5000.0, metavar="N", help="times faster (default: 5000)")
    parser.add_argument("--share", type=float, default=1.0, help="of the rows that is played (default: all)")
    parser.add_argument("--seed", type=int, default=1, help="which rows a share has (default: 1)")
    parser.add_argument("--connections", type=int, default=8, metavar="N", help="open at once (default: 8)")
    add_output(parser)


def run(given: argparse.Namespace) -> int:
    """Play, then print both tables; exit 1 when a request got a 5xx or no answer."""
    if not (given.speed > 0 and 0 < given.share <= 1):
        raise DeliveryError(f"got --speed {given.speed:g} --share {given.share:g}, allowed: above 0, and a share to 1")
    config = usecase.read()
    url = given.url or Cluster(config).url()
    prometheus = Prometheus.from_environment(cluster.namespace())
    periods = _read(usecase.load(config), given.period)
    first = next(periods)
    caller = Caller(url, first, task=config.task)
    played = Replay(
        caller, _again(first, periods), given.speed, share=given.share, seed=given.seed, connections=given.connections
    )
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: played.halt())
    began = time.time()
    played.start()
    while not played.wait(EVERY):
        _progress(played, given.output)
    _progress(played, given.output)
    found = replay.tables(played, _alerts(prometheus, config, began))
    say(json.dumps({**found, **caller.report.summary(config.task)}) if given.output == "json" else _text(found, config))
    return 1 if caller.report.failed else 0


def _read(case: UseCase, period: str) -> Iterator[LabelledRows]:
    """The rows of each period, which are read when the one before has been played."""
    return (case.labelled_rows(one) for one in case.periods(period))


def _again(first: LabelledRows, rest: Iterator[LabelledRows]) -> Iterator[LabelledRows]:
    yield first
    yield from rest


def _alerts(prometheus: Prometheus, config: Config, began: float) -> list[replay.Fired]:
    time.sleep(LAST_LOOK)
    chosen = f'alertstate="firing", namespace="{cluster.namespace()}", deployment_name="{config.deployment}"'
    return replay.fired(prometheus.range(f"ALERTS{{{chosen}}}", began), began)


def _progress(played: Replay, output: str) -> None:
    if output == "json" or not played.months:
        return
    name, month = max(played.months.items())
    say(f"{played.moment(time.time()):%Y-%m-%d %H:%M}  {name}: {month.rows:,} rows, the truth of {month.known:,} known")


def _text(found: dict[str, Any], config: Config) -> str:
    def figure(value: float | None) -> str:
        return "-" if value is None else f"{value:.1%}" if config.positive else f"{value:.4g}"

    of = f" {config.positive or config.target}"
    lines = [f"\n{'month':<9}{'rows':>8}{'truths':>8}{'predicted' + of:>22}{'actual':>9}{'error':>8}  alerts"]
    for one in found["months"]:
        figures = f"{figure(one['predicted']):>22}{figure(one['actual']):>9}{figure(one['error']):>8}"
        lines.append(
            f"{one['month']:<9}{one['rows']:>8,}{one['known']:>8,}{figures}  {', '.join(one['alerts']) or '-'}"
        )
    lines.append(f"\n{'alert':<18}{'about':<14}{'fired at':<18}{'after':>8}{'for':>8}")
    for one in found["alerts"]:
        after, lasted = "before" if one["earlier"] else f"{one['seconds_into_month']} s", f"{one['fired_seconds']} s"
        lines.append(f"{one['alert']:<18}{one['about']:<14}{one['at']:<18}{after:>8}{lasted:>8}")
    if not found["alerts"]:
        lines.append("none fired")
    lines.append("after: since the first row of the month; before: it fired already when the replay began")
    lines.append("for: until the replay ended, if it still fires")
    return "\n".join(lines)
