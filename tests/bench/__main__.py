"""`make bench`: the figures that the README states, measured on this machine in a lab of its own.

Prints one line a figure. Nothing is asserted: figures depend on the machine, so they are stated with it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

KIT = Path(__file__).resolve().parents[2]
TEN = """
apiVersion: tekton.dev/v1
kind: PipelineRun
metadata: {generateName: ten-}
spec:
  pipelineSpec:
    tasks:
"""


class Bench:
    """One lab and what was measured in it."""

    def __init__(self, folder: Path) -> None:
        self.state = folder / "state"
        self.env = {**os.environ, "WORKSHOP_STATE": str(self.state), "WORKSHOP_PORTS": "free", "NO_COLOR": "1"}

    def workshop(self, *words: str) -> tuple[float, Any]:
        """Seconds, and what the command printed as JSON."""
        began = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "workshop", *words, "-o", "json"],
            cwd=KIT,
            env=self.env,
            text=True,
            stdout=subprocess.PIPE,
            check=True,
        )
        took = time.perf_counter() - began
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        return took, lines[-1] if lines else None

    def push(self) -> float:
        """Seconds from a push to main until staging answers with the new commit's image."""
        clone = self.state / "home" / "mlops-workshop"
        git = ["git", "-c", "user.name=Bench", "-c", "user.email=bench@example.com"]
        began = time.perf_counter()
        subprocess.run([*git, "commit", "--quiet", "--allow-empty", "-m", "Measure"], cwd=clone, check=True)
        subprocess.run([*git, "push", "--quiet", "origin", "HEAD:main"], cwd=clone, check=True)
        commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=clone, check=True, capture_output=True, text=True)
        while not self.staged(commit.stdout.strip()):
            time.sleep(0.5)
        return time.perf_counter() - began

    def staged(self, commit: str) -> bool:
        """Whether the run that the push started has ended. Raises RuntimeError when it failed."""
        words = [str(self.state / "tools" / "oc"), "get", "pipelineruns", "-n", "user1-dev", "-o", "json"]
        env = {**self.env, "KUBECONFIG": str(self.state / "kubeconfig"), "KUBECACHEDIR": str(self.state / "kubecache")}
        for run in json.loads(subprocess.run(words, env=env, check=True, capture_output=True).stdout)["items"]:
            status = run.get("status") or {}
            if {"name": "commit", "value": commit} in (status.get("results") or []):
                return bool(status["conditions"][0]["status"] == "True")
            if status.get("completionTime") and status["conditions"][0]["status"] == "False":
                raise RuntimeError(f"{run['metadata']['name']} failed: {status['conditions'][0]['message']}")
        return False


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        try:
            cold, _ = bench.workshop("lab")
            show("make lab, set up but nothing made yet", f"{cold:.0f} s")
            again, _ = bench.workshop("lab")
            show("make lab again", f"{again:.1f} s")
            bench.workshop("down")
            up, _ = bench.workshop("up")
            show("workshop up, warm, to everything ready", f"{up:.1f} s")
            time.sleep(10)
            _, status = bench.workshop("status")
            total = sum(part["rss_bytes"] or 0 for part in status["components"])
            show("memory of all processes at rest", f"{total / 2**20:.0f} MiB")
            task = "{{name: t{n}, {after}taskSpec: {{steps: [{{name: s, image: busybox, script: 'true'}}]}}}}"
            file = Path(folder) / "ten.yaml"
            tasks = [task.format(n=n, after=f"runAfter: [t{n - 1}], " if n else "") for n in range(10)]
            file.write_text(TEN + "".join(f"    - {t}\n" for t in tasks))
            bench.workshop("run", str(file))
            ten = sorted(bench.workshop("run", str(file))[0] for _ in range(5))
            show("ten no-op tasks in sequence, with the command that follows them", f"{ten[2]:.2f} s")
            show("push to staging answering", f"{bench.push():.0f} s")
        finally:
            bench.workshop("down")


def show(what: str, figure: str) -> None:
    """One line."""
    sys.stdout.write(f"{what:<70} {figure}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
