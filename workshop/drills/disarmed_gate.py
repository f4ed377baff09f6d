"""A model that misses every late flight goes round the gate; production refuses it, because its statement says so.

The run has the param gate-mode=disabled, so the model reaches staging. The drill then asks for a promotion. Its first
Task reads the mode of the gate in the signed statement of the image.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from delivery.asking import PROMOTE

from workshop.cluster.client import Client
from workshop.cluster.runs import Progress
from workshop.drills.commits import Commit
from workshop.errors import RunFailed, SetupError
from workshop.manifests.objects import name_of
from workshop.operations.asking import asked
from workshop.operations.runs import failure_text, follow, logs_command

PARAMS = "params.yaml"
PROMOTION_SECONDS = 300.0
THRESHOLD = re.compile(r"^(threshold:) *[0-9.]+", re.MULTILINE)


def change(model: Path, _: Mapping[str, str]) -> None:
    """A threshold that no flight reaches. Raises SetupError when the file has none."""
    file = model / PARAMS
    text, count = THRESHOLD.subn(r"\1 0.99", file.read_text(encoding="utf-8"))
    if count != 1:
        raise SetupError(f"{file} has no line `threshold: ...`", hint=f"git diff model/{PARAMS}")
    file.write_text(text, encoding="utf-8")


@dataclass(frozen=True)
class Disarmed(Commit):
    """A run that succeeds, and whose model production must refuse."""

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
    title="a model that misses every late flight goes round the gate: gate-mode=disabled",
    look="the run's page: it is green, and staging runs the model. The promotion's page: find-release is red",
    change=change,
    task="find-release",
    pattern=r"the gate of \S+ was disabled",
    restores=True,
    params={"gate-mode": "disabled"},
)
