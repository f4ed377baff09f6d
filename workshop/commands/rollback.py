"""`workshop rollback [VERSION|DIGEST]`: production runs an earlier digest again, in seconds; nothing is built."""

from __future__ import annotations

import argparse
import time

from delivery.asking import ROLLBACK

from workshop import output
from workshop.errors import RunFailed
from workshop.manifests.objects import results_of
from workshop.operations.asking import asked
from workshop.operations.runs import failure_text, follow, logs_command
from workshop.participants.target import CommandTarget

SECONDS = 300.0
"""How long production's run may take. A Pod has to start, and the earlier model to get ready."""


def rollback(words: argparse.Namespace, target: CommandTarget) -> int:
    """Ask production, follow its run and print the result. Raises SetupError, RunFailed, TimedOut."""
    client = target.client()
    dev = words.namespace or target.namespace()
    run = asked(client, dev, ROLLBACK, usecase=words.usecase, version=words.wanted, because=words.because)
    meta = run["metadata"]
    deadline = time.monotonic() + SECONDS
    done = follow(client, "PipelineRun", meta["namespace"], meta["name"], deadline=deadline, quiet=True)
    if not done.succeeded:
        raise RunFailed(failure_text(client, done), hint=logs_command(done))
    results = results_of(done.object)
    made = {"run": meta["name"], "model_version": results["model-version"], "digest": results["image-digest"]}
    if words.output == output.JSON:
        output.emit(made)
    else:
        output.say(f"production runs version {made['model_version']}, {made['digest']}")
    return 0
