"""Production for the resets: its state, and how to restore it with the participant's commands."""

from __future__ import annotations

import subprocess

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


def begin_test(context: CheckContext, image: str, version: str) -> str:
    """Start the A/B test again, as its Task does; returns a sentence. Raises RunFailed."""
    _run(context, "python", "-m", "delivery", "experiment", "ab-test", "--image", image, "--version", version)
    return f"started the test of version {version} against the champion again"


def _run(context: CheckContext, *words: str) -> None:
    done = subprocess.run(
        words, cwd=context.clone / "model", env=dict(context.env), text=True, capture_output=True, check=False
    )
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise RunFailed(f"{' '.join(words[:4])} failed: {said[0] if said else ''}", hint="workshop history")
