"""Measures `workshop run --standalone`: seconds to the first line of the first step, to the end, and the memory.

`python -m tests.bench.tekton.standalone [RUNS]` prints the figures of each run. Memory is the largest sum of the
proportional set sizes of the command and of all that it has started.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

KIT = Path(__file__).resolve().parents[3]
TASK = """
apiVersion: tekton.dev/v1
kind: PipelineRun
metadata: {generateName: bench-}
spec:
  pipelineSpec:
    tasks:
      - name: one
        taskSpec: {steps: [{name: s, image: busybox, script: "echo began; sleep 0.5"}]}
"""


def main(runs: int) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "run.yaml"
        file.write_text(TASK)
        for _ in range(runs):
            first, whole, memory = _measure(file)
            print(f"first line {first:.2f} s, whole run {whole:.2f} s, {memory / 2**20:.0f} MiB")


def _measure(file: Path) -> tuple[float, float, int]:
    words = [sys.executable, "-m", "workshop", "run", "--standalone", str(file)]
    env = {**os.environ, "PYTHONPATH": str(KIT)}
    began = time.perf_counter()
    with subprocess.Popen(words, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as started:
        assert started.stdout
        started.stdout.readline()
        first = time.perf_counter() - began
        memory = 0
        while started.poll() is None:
            memory = max(memory, _memory(started.pid))
            time.sleep(0.05)
        assert started.returncode == 0
        return first, time.perf_counter() - began, memory


def _memory(pid: int) -> int:
    """Bytes of a process and of all below it; shared pages are divided among those that share them."""
    total = 0
    try:
        for one in [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]:
            total += one.memory_full_info().pss
    except psutil.Error:
        return total
    return total


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
