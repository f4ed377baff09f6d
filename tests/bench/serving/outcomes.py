"""What it costs to count feedback by probability and by slice: the same model with and without, in turn, in one run.

    python -m tests.bench.serving.outcomes [--seconds 3] [--rounds 3]

It compares the CPU time of a request, as `features.py` does. Ends with exit code 1 when it takes more than 2 % of the
throughput of predictions. Feedback itself is shown and has no bound: each row of it runs the model again.
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
from pathlib import Path

from tests.bench.serving.features import contestant, cpu_us
from tests.bench.serving.servers import KIT, Running, seldon

MAX_COST = 0.02
FEEDBACK = "/api/v1.0/feedback"
LOADS: dict[str, tuple[str, int, str]] = {
    "one row, 16 connections": ("row", 16, ""),
    "1,000 rows, 1 connection": ("batch", 1, ""),
    "feedback of one row": ("row-truth", 16, FEEDBACK),
    "feedback of 1,000 rows": ("batch-truth", 1, FEEDBACK),
}
"""The request, the number of connections and the path of each load; predictions have the path of `features.py`."""


def main() -> int:
    """Print a line for each load; 1 when predictions cost too much."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.serving.outcomes", description=__doc__.split("\n")[0])
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
            request = seldon((stored["names"], stored["rows"]))
            truth = {"data": {"ndarray": [[at % 2] for at in range(len(stored["rows"]))]}}
            (folder / f"{kind}.sent.json").write_text(json.dumps(request))
            (folder / f"{kind}-truth.sent.json").write_text(json.dumps({"request": request, "truth": truth}))
        servers = {model: Running(contestant(model, folder), folder / f"{model}.log")
                   for model in ("FlightDelay", "Unsliced")}  # fmt: skip
        try:
            for load, (kind, connections, path) in LOADS.items():
                found: dict[str, list[tuple[float, float]]] = {model: [] for model in servers}
                for _ in range(given.rounds):
                    for model, running in servers.items():
                        body = folder / f"{kind}.sent.json"
                        found[model].append(
                            cpu_us(running, body, connections, given.seconds, *([path] if path else []))
                        )
                (us, rate), (bare_us, bare_rate) = (
                    (min(cpu for cpu, _ in several), statistics.median(rate for _, rate in several))
                    for several in found.values()
                )
                cost = 1 - bare_us / us
                if not path:
                    worst = max(worst, cost)
                print(f"{load:<26} {us:8.1f} us with, {bare_us:8.1f} us without: {cost:6.1%} of the throughput"
                      f"   ({rate:,.0f} and {bare_rate:,.0f} requests/s)")  # fmt: skip
        finally:
            for running in servers.values():
                running.stop()
    return int(worst > MAX_COST)


if __name__ == "__main__":
    sys.exit(main())
