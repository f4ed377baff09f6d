"""Production for the resets: its state, and how to restore it with the participant's commands."""

from __future__ import annotations

import json
import subprocess

from workshop.checks import runs
from workshop.checks.finding import CheckContext
from workshop.errors import RunFailed
from workshop.usecase import DEPLOYMENT


def predictors(context: CheckContext) -> list[str]:
    """The names of production's predictors: `main` alone, or those of a canary, a test or a shadow."""
    found = context.cluster.find("SeldonDeployment", context.namespace("production"), DEPLOYMENT)
    return [str(one["name"]) for one in (found or {}).get("spec", {}).get("predictors") or []]


def roll_back(context: CheckContext, because: str, to: str = "") -> str:
    """End a canary, a test or a shadow; all requests go to the champion, or to the digest `to`. Raises RunFailed."""
    _run(context, "workshop", "rollback", *([to] if to else []), "--because", because)
    return "gave all of production's requests " + (f"to {to[:19]}" if to else "back to the champion")


def begin_test(context: CheckContext, url: str, digest: str, version: str) -> str:
    """Ask for the A/B test again, as its Pipeline does, and approve it; returns a sentence. Raises RunFailed."""
    values = {"kind": "ab-test", "image-url": url, "image-digest": digest, "model-version": version, "by": "reset"}
    asking = {
        "apiVersion": "tekton.dev/v1",
        "kind": "TaskRun",
        "metadata": {"generateName": "request-"},
        "spec": {
            "taskRef": {"name": "request"},
            "params": [{"name": name, "value": value} for name, value in values.items()],
        },
    }
    _run(context, "workshop", "run", "-", given=json.dumps(asking))
    _run(context, "workshop", "approve", "--timeout", "120", "--message", "module 14 was taken back")
    _run(context, "workshop", "follow", runs.EXPERIMENT)
    return f"put version {version} beside the champion again"


def reject(context: CheckContext, approval: str, because: str) -> str:
    """Reject an approval that waits; returns a sentence. Raises RunFailed."""
    _run(context, "workshop", "approve", approval, "--reject", "--message", because)
    return f"rejected {approval}"


def _run(context: CheckContext, *words: str, given: str = "") -> None:
    done = subprocess.run(
        words, cwd=context.clone / "model", env=dict(context.env), text=True, capture_output=True, check=False,
        input=given,
    )  # fmt: skip
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise RunFailed(f"{' '.join(words[:4])} failed: {said[0] if said else ''}", hint="workshop history")
