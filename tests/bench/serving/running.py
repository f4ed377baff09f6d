"""Starts each server in turn and asks it."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.bench.serving.load import busy_seconds, generator_seconds, one_by_one, press, share_of_others
from tests.bench.serving.report import Result, show
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


def measured(seconds: float, only: str = "") -> tuple[list[Result], float]:
    """The results of the servers whose name contains `only`, shown as they come, and `reference`'s milliseconds."""
    os.environ.setdefault("UV_CACHE_DIR", str(KIT / ".cache" / "uv"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        env = {**os.environ, "PYTHONPATH": f"{KIT}:{KIT / 'model'}", "OMP_NUM_THREADS": "1"}
        subprocess.run([sys.executable, "-m", "tests.bench.serving.train", name], cwd=KIT, env=env, check=True)
        alone = reference(folder)
        results = []
        for contestant in contestants(folder):
            if only in contestant.name:
                results.append(measure(contestant, folder, seconds))
                show(results[-1], alone)
    return results, alone
