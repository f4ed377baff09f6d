"""No network but loopback: a network namespace of its own, in which nothing else can be reached."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tests.soak.lab import LAB_SECONDS, Lab
from workshop.lab.paths import KIT

LOOPBACK_ONLY = ("unshare", "--net", "--", "bash", "-c", 'ip link set lo up && exec "$@"', "bash")
PIPELINE = KIT / "tekton" / "runs" / "train-and-stage.yaml"


def allowed(lab: Lab) -> str:
    """Why there is no namespace of its own here."""
    done = subprocess.run([*LOOPBACK_ONLY, "true"], capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else f"needs unshare --net and ip: {done.stderr.strip()[:80]}"


@contextmanager
def none(lab: Lab) -> Iterator[None]:
    """Start the lab without network, run the pipeline that trains, builds the image and deploys it, and stop it."""
    lab.down()
    workshop = f'"{sys.executable}" -m workshop'
    script = f"{workshop} up && {workshop} run {PIPELINE} && {workshop} status && {workshop} down"
    done = subprocess.run(
        [*LOOPBACK_ONLY, "bash", "-euo", "pipefail", "-c", script],
        cwd=KIT,
        env=lab.env,
        capture_output=True,
        text=True,
        timeout=LAB_SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"without network: {done.stderr[-800:]}"
    yield
    lab.up()
