"""`workshop run --standalone`: seconds to the first line of the first step and to the end, and the memory."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from tests.bench.figures import KIT, Figure
from tests.bench.load import Others

RUNS = 5
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


def measure() -> Iterator[Figure]:
    """The medians of five runs."""
    with tempfile.TemporaryDirectory() as folder:
        file, others = Path(folder) / "run.yaml", Others()
        file.write_text(TASK)
        first, whole, memory = (
            statistics.median(one) for one in zip(*(_measure(file) for _ in range(RUNS)), strict=True)
        )
        load = others.share()
    yield Figure("first line of the first step", first, "s", load)
    yield Figure("the whole run, of which the step waits 0.5 s", whole, "s", load)
    yield Figure("largest memory (PSS)", memory / 2**20, "MiB", load)


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
