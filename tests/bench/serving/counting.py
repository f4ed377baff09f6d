"""What counting costs: the same server and model with and without it, in turn, in one run.

    python -m tests.bench.serving.counting features [--seconds 3] [--rounds 3]    rows by feature, against training
    python -m tests.bench.serving.counting outcomes                                feedback by probability and by slice

It compares the CPU time of a request, which on a busy machine means more than a rate; the rates are printed too. Ends
with exit code 1 when it takes more of the throughput than is allowed. Feedback of `outcomes` is shown and has no bound:
each row of it runs the model again.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench.serving.load import press
from tests.bench.serving.servers import HERE, KIT, Contestant, Running, seldon

PREDICTIONS, FEEDBACK = "/api/v1.0/predictions", "/api/v1.0/feedback"


@dataclass(frozen=True)
class Load:
    """A stored request, sent over so many connections. `bounded` loads may cost what the comparison allows."""

    body: str
    connections: int
    path: str = PREDICTIONS
    bounded: bool = True


@dataclass(frozen=True)
class Comparison:
    """Two models, with and without the counting, and the largest share of the throughput that it may take."""

    models: tuple[str, str]
    allowed: float
    loads: dict[str, Load]


COMPARISONS = {
    "features": Comparison(
        ("FlightDelay", "Unwatched"),
        0.15,
        {
            "one row, 16 connections": Load("row", 16),
            "one row, 1 connection": Load("row", 1),
            "1,000 rows, 1 connection": Load("batch", 1),
        },
    ),
    "outcomes": Comparison(
        ("FlightDelay", "Unsliced"),
        0.02,
        {
            "one row, 16 connections": Load("row", 16),
            "1,000 rows, 1 connection": Load("batch", 1),
            "feedback of one row": Load("row-truth", 16, FEEDBACK, bounded=False),
            "feedback of 1,000 rows": Load("batch-truth", 1, FEEDBACK, bounded=False),
        },
    ),
}


def contestant(model: str, folder: Path) -> Contestant:
    """Our server with the flights model, or with the same model that counts less (`models/`)."""
    env = {
        "MODEL_DIR": str(folder / "serving"),
        "INCLUDE_METRICS_IN_CLIENT_RESPONSE": "false",
        "PYTHONPATH": f"{KIT / 's2i' / 'server'}:{KIT / 'model'}:{HERE / 'models'}",
    }
    command: Callable[[int], list[str]] = lambda port: [sys.executable, "-m", "modelserver", model]  # noqa: E731
    return Contestant(model, command, PREDICTIONS, seldon, "/ready", env, KIT / "model")


def cpu_us(running: Running, body: Path, load: Load, seconds: float) -> tuple[float, float]:
    """CPU microseconds of one request, and requests a second. Raises RuntimeError when a request fails."""
    began = running.cpu_seconds()
    figures = press(running.url + load.path, body, seconds, load.connections)
    if figures.failed or not figures.rate:
        raise RuntimeError(f"{figures.failed} requests failed")
    return 1e6 * (running.cpu_seconds() - began) / (figures.rate * seconds), figures.rate


def store(folder: Path) -> None:
    """Train the model and write the requests: a row and a batch, each as a prediction and with its truth."""
    env = {**os.environ, "PYTHONPATH": f"{KIT}:{KIT / 'model'}", "OMP_NUM_THREADS": "1"}
    subprocess.run([sys.executable, "-m", "tests.bench.serving.train", str(folder)], cwd=KIT, env=env, check=True)
    for kind in ("row", "batch"):
        stored = json.loads((folder / f"{kind}.json").read_text())
        request: dict[str, Any] = seldon((stored["names"], stored["rows"]))
        truth = {"data": {"ndarray": [[at % 2] for at in range(len(stored["rows"]))]}}
        (folder / f"{kind}.sent.json").write_text(json.dumps(request))
        (folder / f"{kind}-truth.sent.json").write_text(json.dumps({"request": request, "truth": truth}))


def compare(comparison: Comparison, folder: Path, seconds: float, rounds: int) -> float:
    """Print a line for each load. Returns the largest cost of a bounded one, as a share of the throughput."""
    worst = -math.inf
    servers = {model: Running(contestant(model, folder), folder / f"{model}.log") for model in comparison.models}
    try:
        for name, load in comparison.loads.items():
            found: dict[str, list[tuple[float, float]]] = {model: [] for model in servers}
            for _ in range(rounds):
                for model, running in servers.items():
                    found[model].append(cpu_us(running, folder / f"{load.body}.sent.json", load, seconds))
            (us, rate), (bare_us, bare_rate) = (
                (min(cpu for cpu, _ in several), statistics.median(rate for _, rate in several))
                for several in found.values()
            )
            # A server that is busy all the time answers in proportion to 1 / CPU time.
            cost = 1 - bare_us / us
            if load.bounded:
                worst = max(worst, cost)
            print(f"{name:<26} {us:8.1f} us with, {bare_us:8.1f} us without: {cost:6.1%} of the throughput"
                  f"   ({rate:,.0f} and {bare_rate:,.0f} requests/s)")  # fmt: skip
    finally:
        for running in servers.values():
            running.stop()
    return worst


def main() -> int:
    """Print a line for each load; 1 when one of them costs too much."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.serving.counting", description=__doc__.split("\n")[0])
    parser.add_argument("what", choices=list(COMPARISONS))
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    comparison = COMPARISONS[given.what]
    with tempfile.TemporaryDirectory() as name:
        store(Path(name))
        return int(compare(comparison, Path(name), given.seconds, given.rounds) > comparison.allowed)


if __name__ == "__main__":
    sys.exit(main())
