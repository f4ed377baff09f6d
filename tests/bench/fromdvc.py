"""Seconds and bytes to convert 10 to 1,000 stages of a foreach: processor time of one process, the median of three."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.bench.figures import Figure
from tests.bench.load import Others
from tests.tekton.fromdvc.projects import make, stage, stages

SIZES = (10, 30, 100, 300, 1000)
RUNS = 3
ONE = """
import json, os, sys, time
started = time.process_time()
from pathlib import Path
from fromdvc.graph import read_project
from fromdvc.render import as_yaml
from fromdvc.tasks import Options
from fromdvc.tekton import tekton
imported = time.process_time()
project = read_project(Path(sys.argv[1]))
read = time.process_time()
objects = tekton(project, Options(name="bench", image="i"))
text = as_yaml(objects, "bench")
made = time.process_time()
largest = len(json.dumps(objects[-1], separators=(",", ":")))
times = {"start": imported - started, "read": read - imported, "make": made - read}
print(json.dumps({**times, "yaml": len(text), "pipeline": largest}))
"""


def project(folder: Path, count: int) -> Path:
    """A foreach over `count` items, each with a param, and a stage that joins them."""
    items = [f"part_{number}" for number in range(count - 1)]
    each = stage("train ${item}", ["raw.txt"], ["model-${item}.bin"], params=["rate"])
    files = {
        "raw.txt": "1\n",
        "params.yaml": json.dumps({"rate": 1, "items": items}),
        "dvc.yaml": stages(
            train={"foreach": "${items}", "do": each},
            join={"cmd": "cat model-* > all.bin", "deps": [f"model-{item}.bin" for item in items], "outs": ["all.bin"]},
        ),
    }
    return make(folder, files) / "dvc.yaml"


def measure() -> Iterator[Figure]:
    """The figures, size by size."""
    for count in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            file, others = project(Path(folder), count), Others()
            command = [sys.executable, "-c", ONE, str(file)]
            found = [json.loads(subprocess.run(command, capture_output=True, check=True).stdout) for _ in range(RUNS)]
        load, middle = others.share(), {name: statistics.median(one[name] for one in found) for name in found[0]}
        yield Figure("imports", middle["start"], "s", load, count)
        yield Figure("DVC's index, graph and the checks", middle["read"], "s", load, count)
        yield Figure("the objects and their YAML", middle["make"], "s", load, count)
        yield Figure("size of the YAML", middle["yaml"] / 1000, "kB", load, count)
