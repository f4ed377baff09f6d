"""Let the next period of data count: the old test period becomes training data, the next one the test.

    python -m delivery advance --next create --run retrain-x     make the next period if it is not tracked
    python -m delivery advance --next tracked --run retrain-x    stay with the periods there are if it is not tracked

It makes a commit in the clone and pushes nothing. The use case decides what a period is. The data of a use case without
the function `advance` has no periods: it grows by a commit of its pointer, and a run trains on all of it.
"""

from __future__ import annotations

import argparse

from delivery import repository, usecase
from delivery.cli import add_results, say, write_results
from delivery.errors import DeliveryError

CREATE, TRACKED = "create", "tracked"


def add(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("--next", choices=[CREATE, TRACKED], default=CREATE, help="when the next period is not tracked")
    parser.add_argument("--run", default="", help="the PipelineRun, for the commit's message")
    add_results(parser, "commit")


def run(given: argparse.Namespace) -> int:
    """Move on, commit, and write the result. DeliveryError when there is no next period."""
    config = usecase.read()
    move = getattr(usecase.load(config), "advance", None)
    if move is None and given.next == CREATE:
        raise DeliveryError(
            f"next-period: got {CREATE}, allowed: {TRACKED}, because the data of {config.deployment} has no periods",
            next=f"commit more rows (dvc add, dvc push), then retrain with next-period={TRACKED}; or write the "
            f"function advance in {config.package}/usecase.py, as delivery/usecase.py describes it",
        )
    what = move(given.next == CREATE) if move else ""
    if move is None:
        say("---> the data has no periods: the run trains on all of it")
        commit = repository.head()
    elif what:
        say(f"---> {what}")
        commit = repository.commit(f"{what}\n\nMade by the PipelineRun {given.run}.")
    else:
        say("---> the next period is not tracked, so the periods stay as they are")
        commit = repository.head()
    write_results(given.results, {"commit": commit})
    return 0
