"""Check that an answering server is the model that was trained, and that it refuses what it must.

    python -m delivery contract --url http://127.0.0.1:9000 --model models/serving/model.json

`--stage production` takes the address from the ConfigMap mlops-endpoints. With --requests it also sends that many good
rows and can hold the 95th percentile of their time to a bound. With --url it needs the standard library only, because
it also runs in a model's image.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

from delivery import card
from delivery.card import CARD, Card
from delivery.cli import add_output, say
from delivery.contract import Result, Server, checks, latency, wait


def add(parser: argparse.ArgumentParser) -> None:
    """The options."""
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--url", default="", help="of the server, for example http://127.0.0.1:9000")
    where.add_argument("--stage", choices=["staging", "production"], help="the deployment of the use case there")
    parser.add_argument("--model", type=Path, default=Path("models/serving", CARD), help="what it must serve")
    parser.add_argument("--metrics-url", default="", help="where its metrics are, when they are to be checked")
    parser.add_argument("--requests", type=int, default=0, metavar="N", help="time N good requests as well")
    parser.add_argument("--max-latency-ms", type=float, default=0.0, help="bound on 95 of 100 of them (default: none)")
    parser.add_argument("--max-start-seconds", type=float, default=30.0, help="how long it may take to be ready")
    add_output(parser)


def run(given: argparse.Namespace) -> int:
    """Print one line a check; exit 1 when one fails."""
    made, server = card.load(given.model), Server(given.url or _url(given.stage))
    waited = wait(server, given.max_start_seconds)
    results = [Result("ready", True, f"after {waited:.2f} s")]
    _report(results[0], given.output)
    for result in _all(server, made, given):
        results.append(result)
        _report(result, given.output)
    failed = [result.name for result in results if not result.passed]
    if failed and given.output == "text":
        say(f"{len(failed)} of {len(results)} checks failed: {', '.join(failed)}")
    return 1 if failed else 0


def _url(stage: str) -> str:
    # Imported here, because it needs PyYAML, which a model's image does not have.
    from delivery import usecase
    from delivery.cluster import Cluster

    return Cluster(usecase.read()).url(stage)


def _all(server: Server, made: Card, given: argparse.Namespace) -> Iterator[Result]:
    yield from checks(server, made, given.metrics_url)
    if given.requests > 0:
        yield latency(server, made, given.requests, given.max_latency_ms)


def _report(result: Result, output: str) -> None:
    if output == "json":
        say(json.dumps({"check": result.name, "passed": result.passed, "seen": result.seen}))
    else:
        say(f"{'ok  ' if result.passed else 'FAIL'} {result.name:<32} {result.seen}")
