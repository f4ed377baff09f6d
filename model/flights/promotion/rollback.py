"""Return production to what it ran before, or to any earlier production digest: now, without a pipeline.

    python -m flights.promotion.rollback [VERSION|DIGEST] [--because TEXT]

The same overlay with that digest; ready; the alias champion; the history. A canary or a test that is under way ends
with it.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
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
    # Whatever runs that is not in the history, a test, a canary or an image applied by hand, gives way to what is.
    strange = was is not None and running != {"main": Release(was.image, was.model_version)}
    target = was if was and strange and not wanted else history.find(entries, wanted)
    goal = Release(target.image, target.model_version)
    if running == {"main": goal}:
        raise FlightsError(f"production runs version {goal.version} already ({goal.digest}), next: workshop history")
    release.restore(goal, seconds)
    by = cluster.oc("whoami").strip()
    why = f" because {because}" if because else ""
    _remember_test(running, goal, why, by)
    if was is not None and was.digest == goal.digest:
        return was
    came = f"rolled back from version {was.model_version if was else '?'}{why}"
    made = release.entry(goal, came=came, run="", by=by, since=history.now())
    registry.crown(goal.version, goal.digest, came)
    left = f"rolled back to version {goal.version}{why}"
    history.change(lambda entries: history.entered(entries, made, left))
    return made


def _remember_test(running: Mapping[str, Release], goal: Release, why: str, by: str) -> None:
    """Write down the model that an A/B test or a shadow had put beside the champion; a canary's own run does that."""
    for name, one in running.items():
        if name not in ("main", "canary") and one.image != goal.image:
            what = "shadow of" if name == "shadow" else "A/B test beside"
            ended = release.entry(one, came=f"{what} version {goal.version}", run="", by=by,
                                  until=history.now(), left=f"the test was ended{why}")  # fmt: skip
            history.change(lambda entries, ended=ended: history.refused(entries, ended))  # type: ignore[misc]


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
