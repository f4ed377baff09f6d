"""`workshop follow [PIPELINE]`: follow the run that a push started, exit by its result.

Instead of a Pipeline, a PipelineRun may be named.
The run belongs to the checked-out commit; the triggers write the commit into the annotation `mlops-workshop/commit`.
A run of production may have been asked for without a push, by `workshop promote` or by a run of `ab-test` or `shadow`,
and an alert may have started a run of `retrain`.
The run appears a moment after the push, so the command waits a short time for it.
"""

from __future__ import annotations

import argparse
import subprocess
import time
from pathlib import Path

from workshop import output
from workshop.checks.runs import PRODUCTION_PIPELINES, PROMOTE, RETRAIN
from workshop.cluster.client import Client
from workshop.errors import RunFailed, SetupError, UsageError
from workshop.manifests.objects import Object, annotations_of, is_done
from workshop.operations.runs import failure_text, logs_command
from workshop.operations.runs import follow as follow_run
from workshop.participants.target import CommandTarget

APPEARS_SECONDS = 30.0
COMMIT = "mlops-workshop/commit"


def follow(words: argparse.Namespace, target: CommandTarget) -> int:
    """Find the run and show it until it is done."""
    of_production = words.pipeline.startswith(PRODUCTION_PIPELINES)
    stage = "production" if of_production else "dev"
    client, namespace = target.client(), words.namespace or target.namespace(stage)
    run = _appeared(client, namespace, words.pipeline, _head())
    name = str(run["metadata"]["name"])
    quiet = words.output == output.JSON
    if not quiet:
        output.note(f"pipelinerun {name} in {namespace}")
    deadline = time.monotonic() + words.timeout
    found = follow_run(client, "PipelineRun", namespace, name, deadline=deadline, quiet=quiet)
    if quiet:
        output.emit(found.object)
    if not found.succeeded:
        raise RunFailed(failure_text(client, found), hint=logs_command(found))
    return 0


def _head() -> str:
    """The commit that is checked out. Raises UsageError."""
    done = subprocess.run(["git", "rev-parse", "HEAD"], text=True, capture_output=True, check=False)
    if done.returncode != 0:
        raise UsageError(f"{Path.cwd()} is no clone: {done.stderr.strip()}", hint="cd to your clone, then again")
    return done.stdout.strip()


def _appeared(client: Client, namespace: str, pipeline: str, commit: str) -> Object:
    """The run of that name, of a commit, or one that was asked for (production, `retrain`).

    One that is not done comes before the newest. A promotion that was asked for without a commit counts while it is
    not done. Raises SetupError.
    """
    deadline = time.monotonic() + APPEARS_SECONDS
    while True:
        found = client.list("PipelineRun", namespace)
        runs = [run for run in found if run["metadata"]["name"] == pipeline] or [
            run
            for run in found
            if (run["spec"].get("pipelineRef") or {}).get("name") == pipeline and _belongs(run, pipeline, commit)
        ]
        if runs:
            return max(runs, key=lambda run: (not is_done(run), str(run["metadata"]["creationTimestamp"])))
        if time.monotonic() > deadline:
            raise SetupError(
                f"no push of {commit[:10]} has started {pipeline} in {namespace}",
                hint=f"oc describe eventlistener -n {namespace} says what became of the last push",
            )
        time.sleep(0.3)


def _belongs(run: Object, pipeline: str, commit: str) -> bool:
    of = annotations_of(run).get(COMMIT, "")
    if of == commit:
        return True
    asked_for = pipeline in (*PRODUCTION_PIPELINES, RETRAIN) and not of
    return asked_for and (pipeline != PROMOTE or not is_done(run))
