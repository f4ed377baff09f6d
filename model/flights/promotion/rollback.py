"""Return production to what it ran before, or to any earlier production digest: now, without a pipeline.

    python -m flights.promotion.rollback [VERSION|DIGEST] [--because TEXT]

The same overlay with that digest; ready; the alias champion; the history. A canary or a test that is under way ends
with it.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict

from flights.cli import exit_code, say
from flights.errors import FlightsError
from flights.promotion import cluster, history, registry, release
from flights.promotion.cluster import Release
from flights.promotion.history import Entry


def rollback(wanted: str, because: str, seconds: int) -> Entry:
    """Do it; the history's new entry. FlightsError when there is no such release or it does not become ready."""
    entries = history.read()
    running = cluster.deployed()
    was = next((one for one in reversed(entries) if one.current), None)
    # While a test or a canary is under way, what it was put beside is what production goes back to.
    target = was if was and not wanted and set(running) != {"main"} else history.find(entries, wanted)
    goal = Release(target.image, target.model_version)
    if running == {"main": goal}:
        raise FlightsError(f"production runs version {goal.version} already ({goal.digest}), next: workshop history")
    release.restore(goal, seconds)
    if was is not None and was.digest == goal.digest:
        return was
    by = cluster.oc("whoami").strip()
    why = f" because {because}" if because else ""
    came = f"rolled back from version {was.model_version if was else '?'}{why}"
    made = release.entry(goal, came=came, run="", by=by, since=history.now())
    registry.crown(goal.version, goal.digest, came)
    left = f"rolled back to version {goal.version}{why}"
    history.change(lambda entries: history.entered(entries, made, left))
    return made


def main(argv: list[str] | None = None) -> int:
    """Roll back and say to what."""
    parser = argparse.ArgumentParser(prog="python -m flights.promotion.rollback", description=__doc__.split("\n", 1)[0])
    parser.add_argument("wanted", nargs="?", default="", help="a version or the beginning of a digest")
    parser.add_argument("--because", default="", help="why, for the history")
    parser.add_argument("--seconds", type=int, default=release.SECONDS, help="how long it may take to be ready")
    parser.add_argument("-o", "--output", choices=["text", "json"], default="text")
    given = parser.parse_args(argv)
    made = rollback(given.wanted, given.because, given.seconds)
    say(
        json.dumps(asdict(made))
        if given.output == "json"
        else f"production runs version {made.model_version}, {made.digest}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(exit_code(main))
