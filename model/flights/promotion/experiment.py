"""Put a second model in front of production's callers, or beside them: an A/B test or a shadow.

    python -m flights.promotion.experiment ab-test --image ...@sha256:... --version 4
    python -m flights.promotion.experiment shadow --image ...@sha256:... --version 4

An A/B test names its predictors by their candidates, so the champion and the other model must be of two. Neither
changes who is champion: `workshop rollback` ends both, and flights.promotion.compare says who was better.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping

from flights.cli import exit_code, say
from flights.errors import FlightsError
from flights.promotion import cluster, registry, release
from flights.promotion.cluster import Release

KINDS = ("ab-test", "shadow")


def predictors(kind: str, champion: Release, new: Release, candidates: Mapping[str, str]) -> dict[str, Release]:
    """What each predictor of the overlay runs; `candidates` by version. FlightsError for two of one candidate."""
    if kind == "shadow":
        return {"main": champion, "shadow": new}
    ours, theirs = candidates[champion.version], candidates[new.version]
    if ours == theirs:
        raise FlightsError(
            f"both models are {ours}: an A/B test needs two candidates, next: the param candidate names the other one"
        )
    return {ours: champion, theirs: new}


def start(kind: str, new: Release, seconds: int) -> dict[str, Release]:
    """Apply the overlay and wait; what each predictor runs. FlightsError without a champion or during another test."""
    running = cluster.deployed()
    if set(running) != {"main"}:
        raise FlightsError(
            f"production runs {' and '.join(running) or 'nothing'}, allowed: main alone, next: "
            + ("workshop rollback ends what is under way" if running else "oc create -f tekton/runs/promote.yaml")
        )
    champion = running["main"]
    known = {one.version: registry.tags(one.version).get("candidate", "") for one in (champion, new)}
    chosen = predictors(kind, champion, new, known)
    cluster.apply(kind, chosen)
    cluster.wait(chosen, seconds)
    return chosen


def main(argv: list[str] | None = None) -> int:
    """Start a test and say how to read and to end it."""
    parser = argparse.ArgumentParser(
        prog="python -m flights.promotion.experiment", description=__doc__.split("\n", 1)[0]
    )
    parser.add_argument("kind", choices=KINDS)
    release.add_release(parser)
    parser.add_argument("--seconds", type=int, default=release.SECONDS, help="how long it may take to be ready")
    given = parser.parse_args(argv)
    new = release.named(given.image, given.version)
    if new is None:
        raise FlightsError(f"--image: got {given.image!r}, allowed: an image by digest")
    chosen = start(given.kind, new, given.seconds)
    for name, one in chosen.items():
        say(f"---> predictor {name} runs version {one.version}, {one.digest}")
    say(f"     read it: python -m flights.promotion.compare {' '.join(chosen)} --rate 60    in model/")
    say("     end it:  workshop rollback")
    return 0


if __name__ == "__main__":
    sys.exit(exit_code(main))
