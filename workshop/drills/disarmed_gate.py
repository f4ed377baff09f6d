"""A model goes round the gate; production refuses it, because the signed statement of its image says so.

The run has the param gate-mode=disabled, so the model reaches staging unchecked. The drill then asks for a promotion,
whose first Task reads the mode of the gate in the statement. The model is that of `main`, from a commit of its own: it
may be good, and production cannot know.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from delivery.asking import PROMOTE

from workshop.cluster.client import Client
from workshop.cluster.runs import Progress
from workshop.drills.commits import Commit
from workshop.drills.drill import Note, Place
from workshop.errors import RunFailed, SetupError
from workshop.manifests.objects import name_of
from workshop.operations.asking import asked
from workshop.operations.runs import failure_text, follow, logs_command

PROMOTION_SECONDS = 300.0


def change(_: Path, __: Mapping[str, str]) -> None:
    """Nothing: the commit is empty, and gives the image a digest that no checked run has built."""


@dataclass(frozen=True)
class Disarmed(Commit):
    """A run that succeeds, and whose model production must refuse."""

    def run(self, place: Place, note: Note, seconds: float) -> str:
        """As for every commit. Raises SetupError where production verifies no statements."""
        production = place.target.namespace("production")
        endpoints = place.target.client().find("ConfigMap", production, "mlops-endpoints") or {}
        if not (endpoints.get("data") or {}).get("CHAINS_PUBLIC_KEY"):
            raise SetupError(
                f"mlops-endpoints in {production} has no CHAINS_PUBLIC_KEY, so production verifies nothing",
                hint="workshop/FACILITATOR.md says how an instructor sets it",
            )
        return super().run(place, note, seconds)

    def evidence(self, client: Client, done: Progress) -> str:
        """The line of the promotion's log that refuses the model. Raises RunFailed when nothing refuses it."""
        if not done.succeeded:
            raise RunFailed(failure_text(client, done), hint=logs_command(done))
        run = asked(client, done.namespace, PROMOTE)
        namespace, name = run["metadata"]["namespace"], name_of(run)
        deadline = time.monotonic() + PROMOTION_SECONDS
        return super().evidence(client, follow(client, "PipelineRun", namespace, name, deadline=deadline, quiet=False))


DRILL = Disarmed(
    name="disarmed-gate",
    title="a model goes round the gate with gate-mode=disabled, and reaches staging unchecked",
    look="the run's page: it is green, and staging runs the model. The promotion's page: find-release is red",
    change=change,
    task="find-release",
    pattern=r"the gate of \S+ was disabled",
    restores=True,
    params={"gate-mode": "disabled"},
)
