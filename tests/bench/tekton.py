"""No-op Tasks in the lab's controller, in sequence and in parallel.

A real controller takes 54 s and 10 s for ten on a machine with two cores.
"""

from __future__ import annotations

import asyncio
import resource
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.bench.figures import Figure
from tests.bench.load import Others
from tests.conformance.harness import Lab, lab
from workshop.lab.store import Store

COUNTS = {"in sequence": (10, 100, 1000), "in parallel": (10, 100, 1000)}
FEW, RUNS = 10, 5
"""A run of few Tasks is measured so often; the best counts."""


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


def measure() -> Iterator[Figure]:
    """The figures, in sequence and in parallel."""
    yield from asyncio.run(_figures())


async def _figures() -> list[Figure]:
    found = []
    with tempfile.TemporaryDirectory() as folder:
        async with lab(Path(folder), Store(Path(folder) / "store.sqlite")) as running:
            for order, counts in COUNTS.items():
                for count in counts:
                    others, sequence = Others(), order == "in sequence"
                    names = [f"{order[3:]}-{count}-{number}" for number in range(RUNS if count <= FEW else 1)]
                    before = time.process_time()
                    best = min([await _measure(running, name, count, sequence=sequence) for name in names])
                    busy, load = (time.process_time() - before) / len(names), others.share()
                    found.append(Figure(f"the run, {order}", best, "s", load, count))
                    found.append(Figure(f"a Task of it, {order}", 1000 * best / count, "ms", load, count))
                    found.append(Figure(f"processor time of the lab, {order}", busy, "s", load, count))
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            found.append(Figure("largest memory of the lab's process", memory, "MiB", found[-1].load))
    return found
