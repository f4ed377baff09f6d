"""Run a second model in production for a comparison: an A/B test or a shadow.

    python -m delivery experiment ab-test --image ...@sha256:... --version 4
    python -m delivery experiment shadow --image ...@sha256:... --version 4

An A/B test names its predictors by their candidates, so the champion and the other model must be of two. Neither
changes which model is champion: a rollback ends both, and `python -m delivery compare` says which model is better.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from delivery import usecase
from delivery.cli import command, say
from delivery.cluster import Release
from delivery.commands.options import add_release
from delivery.errors import DeliveryError
from delivery.release import SECONDS, Delivery, named

KINDS = ("ab-test", "shadow")


def predictors(kind: str, champion: Release, new: Release, candidates: Mapping[str, str]) -> dict[str, Release]:
    """What each predictor of the overlay runs; `candidates` by version. DeliveryError for two equal models."""
    if champion.digest == new.digest:
        raise DeliveryError(
            f"production runs version {new.version} already ({new.digest[:19]}): a model is not compared with itself",
            next=command("history"),
        )
    if kind == "shadow":
        return {"main": champion, "shadow": new}
    ours, theirs = candidates[champion.version], candidates[new.version]
    if ours == theirs:
        raise DeliveryError(
            f"both models are {ours}: an A/B test needs two candidates", next="the param candidate names the other one"
        )
    return {ours: champion, theirs: new}


def start(delivery: Delivery, kind: str, new: Release, seconds: int) -> dict[str, Release]:
    """Apply the overlay and wait; what each predictor runs. DeliveryError without a champion or during a test."""
    running = delivery.cluster.deployed()
    if set(running) != {"main"}:
        raise DeliveryError(
            f"production runs {' and '.join(running) or 'nothing'}, allowed: main alone",
            next=f"{command('rollback')} ends what is under way" if running else command("promote"),
        )
    champion = running["main"]
    known = {one.version: delivery.registry.tags(one.version).get("candidate", "") for one in (champion, new)}
    chosen = predictors(kind, champion, new, known)
    delivery.cluster.apply(kind, chosen)
    delivery.cluster.wait(chosen, seconds)
    return chosen


def add(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("kind", choices=KINDS)
    add_release(parser)
    parser.add_argument("--seconds", type=int, default=SECONDS, help="how long it may take to be ready")


def run(given: argparse.Namespace) -> int:
    """Start a test and print how to read and to end it."""
    new = named(given.image, given.version)
    if new is None:
        raise DeliveryError(f"--image: got {given.image!r}, allowed: an image by digest")
    config = usecase.read()
    chosen = start(Delivery.of(config), given.kind, new, given.seconds)
    for name, one in chosen.items():
        say(f"---> predictor {name} runs version {one.version}, {one.digest}")
    say(f"     read it: python -m delivery compare {' '.join(chosen)} --rate 60    in {config.folder.name}/")
    say(f"     end it:  {command('rollback')}")
    return 0
