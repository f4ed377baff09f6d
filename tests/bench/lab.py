"""A lab of its own: the main job, starts, memory, a push, a rebuild, a replay."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil

from tests.bench.figures import KIT, Figure
from tests.bench.load import Others, timed
from tests.s2i.flights import serving_model
from workshop.errors import WorkshopError

REST_SECONDS = 10.0
"""After a start, until the memory is read."""
PUSH_SECONDS = 600.0
REPLAY = ("--months", "9", "--speed", "100000")
REBUILDS = 3
REBUILD = """
s2i build model model-builder bench --copy --as-dockerfile "$HOME/bench/Dockerfile" &&
buildah build --tag bench --file "$HOME/bench/Dockerfile" "$HOME/bench"
"""


class Bench:
    """One lab and what is measured in it."""

    def __init__(self, folder: Path) -> None:
        self.state = folder / "state"
        self.env = {**os.environ, "WORKSHOP_STATE": str(self.state), "WORKSHOP_PORTS": "free", "NO_COLOR": "1"}

    @property
    def clone(self) -> Path:
        """The participant's clone."""
        return self.state / "home" / "mlops-workshop"

    def workshop(self, *words: str) -> Any:
        """What the command printed last as JSON. Raises CalledProcessError."""
        words = (*words, "-o", "json")
        command = [sys.executable, "-m", "workshop", *words]
        done = subprocess.run(command, cwd=KIT, env=self.env, text=True, stdout=subprocess.PIPE, check=True)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        return lines[-1] if lines else None

    def shell(self, line: str) -> None:
        """Run a line in the lab's shell, in the clone. Raises WorkshopError with the end of its output."""
        command = [sys.executable, "-m", "workshop", "shell", "--", "bash", "-euo", "pipefail", "-c", line]
        done = subprocess.run(command, cwd=KIT, env=self.env, capture_output=True, text=True, check=False)
        if done.returncode:
            raise WorkshopError(f"{line.strip()} ended with {done.returncode}: {(done.stdout + done.stderr)[-600:]}")

    def push(self) -> None:
        """Push to main, and wait until staging answers with the new commit's image."""
        git = ["git", "-c", "user.name=Bench", "-c", "user.email=bench@example.com"]
        subprocess.run([*git, "commit", "--quiet", "--allow-empty", "-m", "Measure"], cwd=self.clone, check=True)
        subprocess.run([*git, "push", "--quiet", "origin", "HEAD:main"], cwd=self.clone, check=True)
        commit = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=self.clone, check=True, capture_output=True, text=True
        )
        deadline = time.monotonic() + PUSH_SECONDS
        while not self._staged(commit.stdout.strip()):
            if time.monotonic() > deadline:
                raise WorkshopError(f"staging has not got the commit {commit.stdout.strip()} in {PUSH_SECONDS:g} s")
            time.sleep(0.5)

    def _staged(self, commit: str) -> bool:
        """Whether the run that the push started has ended. Raises WorkshopError when it failed."""
        words = [str(self.state / "tools" / "oc"), "get", "pipelineruns", "-n", "user1-dev", "-o", "json"]
        env = {**self.env, "KUBECONFIG": str(self.state / "kubeconfig"), "KUBECACHEDIR": str(self.state / "kubecache")}
        for run in json.loads(subprocess.run(words, env=env, check=True, capture_output=True).stdout)["items"]:
            status = run.get("status") or {}
            if {"name": "commit", "value": commit} in (status.get("results") or []):
                return bool(status["conditions"][0]["status"] == "True")
            if status.get("completionTime") and status["conditions"][0]["status"] == "False":
                raise WorkshopError(f"{run['metadata']['name']} failed: {status['conditions'][0]['message']}")
        return False

    def prepare_rebuild(self) -> None:
        """Put a trained model into the clone: the pipeline trains in its own."""
        shutil.copytree(serving_model(), self.clone / "model" / "models" / "serving", dirs_exist_ok=True)
        (self.state / "home" / "bench").mkdir()

    def rebuild(self, number: int) -> None:
        """Change a line of the model's source and build its image."""
        source = self.clone / "model" / "FlightDelay.py"
        source.write_text(f"{source.read_text()}\n# change {number}\n")
        self.shell(REBUILD)

    def memory(self) -> float:
        """Bytes of all processes; shared pages are divided among those that share them."""
        (pid,) = (part["pid"] for part in self.workshop("status")["components"] if part["name"] == "lab")
        # The launcher's processes stay below the supervisor, also those whose parent has ended.
        family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
        return float(sum(one.memory_full_info().pss for one in family))


def measure() -> Iterator[Figure]:
    """The figures."""
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        try:
            yield _seconds("the main job in an empty lab", lambda: bench.workshop("lab"))
            yield _seconds("`make lab` again", lambda: bench.workshop("lab"))
            bench.workshop("down")
            yield _seconds("`workshop up` with production deployed, to everything ready", lambda: bench.workshop("up"))
            others = Others()
            time.sleep(REST_SECONDS)
            yield Figure("memory of all processes at rest (PSS)", bench.memory() / 2**20, "MiB", others.share())
            yield _seconds("`git push` to staging answering with the new model", bench.push)
            bench.prepare_rebuild()
            builds = [timed(lambda number=number: bench.rebuild(number)) for number in range(REBUILDS)]  # type: ignore[misc]
            took, load = statistics.median(one for one, _ in builds), max(one for _, one in builds)
            yield Figure("build of the model's image after a change of a line", took, "s", load)
            others, began = Others(), time.perf_counter()
            played = bench.workshop("replay", *REPLAY)
            seconds = time.perf_counter() - began
            yield Figure(f"`workshop replay {' '.join(REPLAY)}`", seconds, "s", others.share())
            yield Figure("rows of it that production answered", played["rows"], "rows", others.share())
        finally:
            bench.workshop("down")


def _seconds(name: str, do: Callable[[], object]) -> Figure:
    took, load = timed(do)
    return Figure(name, took, "s", load)
