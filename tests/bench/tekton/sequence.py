"""Measures no-op tasks in sequence and in parallel, ten and many: `python tests/bench/tekton/sequence.py [RUNS]`.

A real controller takes 54 s and 10 s for ten on a machine with two cores. Prints the seconds of each run, the best, and
how the cost of a task grows: the milliseconds a task of many against those of ten. It is no test, since the figures
depend on what else the machine does.
"""

from __future__ import annotations

import asyncio
import resource
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3]))

from tests.conformance.harness import Lab, lab
from workshop.lab.store import Store

TEN = 10
MANY = {"sequence": 200, "parallel": 1000}


def _pipeline(name: str, count: int, *, sequence: bool) -> dict[str, object]:
    tasks = []
    for number in range(count):
        step = {"name": "s", "image": "busybox", "script": "true"}
        after = [f"t{number - 1}"] if sequence and number else []
        tasks.append({"name": f"t{number}", "runAfter": after, "taskSpec": {"steps": [step]}})
    return {
        "apiVersion": "tekton.dev/v1",
        "kind": "PipelineRun",
        "metadata": {"name": name},
        "spec": {"pipelineSpec": {"tasks": tasks}},
    }


async def _measure(running: Lab, name: str, count: int, *, sequence: bool) -> float:
    start = time.perf_counter()
    running.create(_pipeline(name, count, sequence=sequence))
    run = await running.done("PipelineRun", name, 600)
    seconds = time.perf_counter() - start
    assert running.reason(run)[1] == "Succeeded", running.reason(run)
    return seconds


async def main(runs: int) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        async with lab(Path(folder), Store(Path(folder) / "store.sqlite")) as running:
            for label, many in MANY.items():
                sequence = label == "sequence"
                times = [await _measure(running, f"{label}-{n}", TEN, sequence=sequence) for n in range(runs)]
                shown = " ".join(f"{seconds:.3f}" for seconds in times)
                print(f"{TEN} no-op tasks, {label}: {shown} s; best {min(times):.3f} s")
                took = await _measure(running, f"{label}-many", many, sequence=sequence)
                each, of_ten = took / many, min(times) / TEN
                print(f"{many} no-op tasks, {label}: {took:.1f} s; {1000 * each:.0f} ms a task, {each / of_ten:.1f} x")
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
            print(f"largest memory: {memory} MiB; namespaces: {running.launcher.namespaces}")


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 5))
