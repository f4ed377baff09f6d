"""One command: train, start each server in turn, ask it, write the table and the plot.

    python -m tests.bench.serving [--seconds 8] [--only NAME] [--no-write]

The table needs wrk as the load generator. Nothing else may run on the machine: a run in which other programs use it, or
in which requests fail, is no result; it leaves the table as it is and ends with exit code 1. Takes five minutes, of
which one is installing the other servers.

The load: 16 connections with one-row requests, then 1,000 rows in one request on one connection. Our server has
validation, metrics and access log on. The reference for batches is onnxruntime between two calls of orjson, in one
process, without a server.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.bench.serving.load import busy_seconds, generator_seconds, one_by_one, press, share_of_others
from tests.bench.serving.report import README, NoResultError, Result, show, write
from tests.bench.serving.servers import KIT, Contestant, Rows, Running, contestants

REFERENCE = """
import statistics, sys, time
from pathlib import Path
import numpy as np, onnxruntime, orjson

folder = Path(sys.argv[1])
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
session = onnxruntime.InferenceSession(str(folder / "serving/model.onnx"), options)
stated = session.get_modelmeta().custom_metadata_map
body = (folder / "batch.seldon.json").read_bytes()
took = []
for _ in range(300):
    began = time.perf_counter()
    data = orjson.loads(body)["data"]
    rows = np.array(data["ndarray"], dtype=object)
    at = {kind: [data["names"].index(name) for name in stated[kind].split(",")] for kind in ("words", "numbers")}
    feed = {"words": rows.take(at["words"], 1), "numbers": rows.take(at["numbers"], 1).astype(np.float32)}
    (both,) = session.run(["probabilities"], feed)
    orjson.dumps({"data": {"ndarray": both.tolist()}})
    took.append(1000 * (time.perf_counter() - began))
print(statistics.median(took))
"""


def measure(contestant: Contestant, folder: Path, seconds: float) -> Result:
    """Start, ask, stop."""
    bodies = {}
    for kind in ("row", "batch"):
        stored = json.loads((folder / f"{kind}.json").read_text())
        rows: Rows = (stored["names"], stored["rows"])
        bodies[kind] = folder / f"{kind}.sent.json"
        bodies[kind].write_text(json.dumps(contestant.body(rows)))
    running = Running(contestant, folder / "server.log")
    try:
        url = running.url + contestant.path
        one_by_one(url, bodies["row"].read_bytes(), 0.5)
        press(url, bodies["row"], 1)
        began, busy, own, generator = time.perf_counter(), busy_seconds(), running.cpu_seconds(), generator_seconds()
        figures = press(url, bodies["row"], seconds)
        used = running.cpu_seconds() - own
        others = share_of_others(
            busy_seconds() - busy,
            used + generator_seconds() - generator,
            time.perf_counter() - began,
            os.cpu_count() or 1,
        )
        cpu_us = 1e6 * used / (figures.rate * seconds) if figures.rate else math.nan
        batch = one_by_one(url, bodies["batch"].read_bytes(), seconds / 2) if contestant.batches else None
        return Result(contestant.name, figures, cpu_us, running.start_seconds, running.mebibytes(), batch, others)
    finally:
        running.stop()


def reference(folder: Path) -> float:
    """Milliseconds of 1,000 rows in onnxruntime and orjson alone."""
    stored = json.loads((folder / "batch.json").read_text())
    data = {"names": stored["names"], "ndarray": stored["rows"]}
    (folder / "batch.seldon.json").write_text(json.dumps({"data": data}))
    done = subprocess.run([sys.executable, "-c", REFERENCE, str(folder)], capture_output=True, text=True, check=True)
    return float(done.stdout)


def main() -> int:
    """Measure all, show each as it comes, write the documents."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.serving", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--seconds", type=float, default=8, help="of one-row requests for each server (default 8)")
    parser.add_argument("--only", default="", help="measure the servers whose name contains this; writes nothing")
    parser.add_argument("--no-write", action="store_true", help="leave s2i/README.md and the plot as they are")
    given = parser.parse_args()
    if not (given.only or given.no_write or shutil.which("wrk")):
        # The benchmark's own generator takes 40 us a request, and so limits a server that takes 28.
        parser.error("wrk is not installed; on Debian and Ubuntu: apt-get install wrk; without it: --no-write")
    os.environ.setdefault("UV_CACHE_DIR", str(KIT / ".cache" / "uv"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        env = {**os.environ, "PYTHONPATH": f"{KIT}:{KIT / 'model'}", "OMP_NUM_THREADS": "1"}
        subprocess.run([sys.executable, "-m", "tests.bench.serving.train", name], cwd=KIT, env=env, check=True)
        alone = reference(folder)
        results = []
        for contestant in contestants(folder):
            if given.only in contestant.name:
                results.append(measure(contestant, folder, given.seconds))
                show(results[-1], alone)
    try:
        if given.only or given.no_write:
            return int(any(result.problems for result in results))
        write(results, alone)
    except NoResultError as error:
        sys.stderr.write(f"no result; {README.relative_to(KIT)} is as it was:\n{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
