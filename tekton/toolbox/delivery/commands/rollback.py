"""Return production to what it ran before, or to any earlier production digest: now, without a pipeline.

    python -m delivery rollback [VERSION|DIGEST] [--because TEXT]

It needs rights in production; `request rollback` asks for it, and production's Pipeline runs this.

The same overlay with that digest, a wait until it is ready, the alias champion, the history. A canary or a test that
is under way ends with it. Without a name it is the newest earlier release that was not itself rolled back.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict

from delivery import usecase
from delivery.cli import add_output, add_results, say, write_results
from delivery.release import SECONDS, Delivery


def add(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("wanted", nargs="?", default="", help="a version or the beginning of a digest")
    parser.add_argument("--because", default="", help="why, for the history")
    parser.add_argument("--by", default="", help="who asked, for the history; default: oc whoami")
    add_results(parser, "model-version, image-digest")
    parser.add_argument("--seconds", type=int, default=SECONDS, help="how long it may take to be ready")
    add_output(parser)


def run(given: argparse.Namespace) -> int:
    """Roll back and print to what."""
    made = Delivery.of(usecase.read()).rollback(given.wanted, given.because, given.seconds, by=given.by)
    write_results(given.results, {"model-version": made.model_version, "image-digest": made.digest})
    say(
        json.dumps(asdict(made))
        if given.output == "json"
        else f"production runs version {made.model_version}, {made.digest}"
    )
    return 0
