"""Send real rows of a past period to a deployment, and later the truth of each.

python -m delivery traffic --rate 20 --seconds 60 --feedback
"""

from __future__ import annotations

import argparse

from delivery import usecase
from delivery.cluster import Cluster
from delivery.traffic import Traffic, add_plan, plan_of, send


def add(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("--url", default="", help="of the deployment (default: production's)")
    add_plan(parser)
    parser.add_argument("--period", default="", help="as the use case names it (default: the model's test period)")


def run(given: argparse.Namespace) -> int:
    """Send; exit 1 when a request got a 5xx or no answer."""
    config = usecase.read()
    rows = usecase.load(config).labelled_rows(given.period)
    traffic = Traffic(given.url or Cluster(config).url(), rows, plan_of(given), task=config.task)
    of = f"period {given.period}" if given.period else "the test period"
    return send(traffic, config.task, of, given.output, config.positive)
