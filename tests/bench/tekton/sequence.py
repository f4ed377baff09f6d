"""Measures ten no-op tasks in sequence, and ten side by side: `python tests/bench/tekton/sequence.py [RUNS]`.

A real controller takes 54 s and 10 s on a machine with two cores. Prints the seconds of each run and the
best; it is no test, since the figure depends on what else the machine does.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3]))

from tests.conformance.harness import Lab, lab
from workshop.lab.store import Store

COUNT = 10


def _pipeline(name: str, *, sequence: bool) -> dict[str, object]:
    tasks = []
    for number in range(COUNT):
        step = {"name": "s", "image": "busybox", "script": "true"}
        after = [f"t{number - 1}"] if sequence and number else []
        tasks.append({"name": f"t{number}", "runAfter": after, "taskSpec": {"steps": [step]}})
    return {
        "apiVersion": "tekton.dev/v1",
        "kind": "PipelineRun",
        "metadata": {"name": name},
        "spec": {"pipelineSpec": {"tasks": tasks}},
    }


async def _measure(running: Lab, name: str, *, sequence: bool) -> float:
    start = time.perf_counter()
    running.create(_pipeline(name, sequence=sequence))
    run = await running.done("PipelineRun", name)
    seconds = time.perf_counter() - start
    assert running.reason(run)[1] == "Succeeded", running.reason(run)
    return seconds


async def main(runs: int) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        async with lab(Path(folder), Store(Path(folder) / "store.sqlite")) as running:
            for label, sequence in (("sequence", True), ("side by side", False)):
                times = [await _measure(running, f"{label[:4]}-{n}", sequence=sequence) for n in range(runs)]
                shown = " ".join(f"{seconds:.3f}" for seconds in times)
                print(f"{COUNT} no-op tasks, {label}: {shown} s; best {min(times):.3f} s")
            print(f"namespaces: {running.launcher.namespaces}")


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 5))
