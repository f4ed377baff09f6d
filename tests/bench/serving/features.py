"""What it costs to count features: the same server and model with and without, in turn, in one run.

    python -m tests.bench.serving.features [--seconds 3] [--rounds 3]

It compares the CPU time of a request, which on a busy machine means more than a rate; the rates are printed too. Ends
with exit code 1 when counting takes more than 15 % of the throughput.
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
from pathlib import Path

from tests.bench.serving.load import press
from tests.bench.serving.servers import HERE, KIT, Contestant, Running, seldon

MAX_COST = 0.15
PATH = "/api/v1.0/predictions"
LOADS: dict[str, tuple[str, int]] = {
    "one row, 16 connections": ("row", 16),
    "one row, 1 connection": ("row", 1),
    "1,000 rows, 1 connection": ("batch", 1),
}
"""The request and the number of connections of each load."""


def contestant(model: str, folder: Path) -> Contestant:
    """Our server with the flights model (FlightDelay) or with the same model without a reference (Unwatched)."""
    env = {
        "MODEL_DIR": str(folder / "serving"),
        "INCLUDE_METRICS_IN_CLIENT_RESPONSE": "false",
        "PYTHONPATH": f"{KIT / 's2i' / 'server'}:{KIT / 'model'}:{HERE / 'models'}",
    }
    command: Callable[[int], list[str]] = lambda port: [sys.executable, "-m", "modelserver", model]  # noqa: E731
    return Contestant(model, command, PATH, seldon, "/ready", env, KIT / "model")


def cpu_us(running: Running, body: Path, connections: int, seconds: float, path: str = PATH) -> tuple[float, float]:
    """CPU microseconds of one request, and requests a second. Raises RuntimeError when a request fails."""
    began = running.cpu_seconds()
    figures = press(running.url + path, body, seconds, connections)
    if figures.failed or not figures.rate:
        raise RuntimeError(f"{figures.failed} requests failed")
    return 1e6 * (running.cpu_seconds() - began) / (figures.rate * seconds), figures.rate


def main() -> int:
    """Print a line for each load; 1 when one of them costs too much."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.serving.features", description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    worst = -math.inf
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        env = {**os.environ, "PYTHONPATH": f"{KIT}:{KIT / 'model'}", "OMP_NUM_THREADS": "1"}
        subprocess.run([sys.executable, "-m", "tests.bench.serving.train", name], cwd=KIT, env=env, check=True)
        for kind in ("row", "batch"):
            stored = json.loads((folder / f"{kind}.json").read_text())
            (folder / f"{kind}.sent.json").write_text(json.dumps(seldon((stored["names"], stored["rows"]))))
        servers = {model: Running(contestant(model, folder), folder / f"{model}.log")
                   for model in ("FlightDelay", "Unwatched")}  # fmt: skip
        try:
            for load, (kind, connections) in LOADS.items():
                found: dict[str, list[tuple[float, float]]] = {model: [] for model in servers}
                for _ in range(given.rounds):
                    for model, running in servers.items():
                        body = folder / f"{kind}.sent.json"
                        found[model].append(cpu_us(running, body, connections, given.seconds))
                (us, rate), (bare_us, bare_rate) = (
                    (min(cpu for cpu, _ in several), statistics.median(rate for _, rate in several))
                    for several in found.values()
                )
                # A server that is busy all the time answers in proportion to 1 / CPU time.
                cost = 1 - bare_us / us
                worst = max(worst, cost)
                print(f"{load:<26} {us:8.1f} us with, {bare_us:8.1f} us without: {cost:6.1%} of the throughput"
                      f"   ({rate:,.0f} and {bare_rate:,.0f} requests/s)")  # fmt: skip
        finally:
            for running in servers.values():
                running.stop()
    return int(worst > MAX_COST)


if __name__ == "__main__":
    sys.exit(main())
