"""`python -m tests.bench.fromdvc`: seconds and bytes to convert 10 to 1,000 stages of a foreach.

Prints one line a size; nothing is asserted. `start` is the command's start, `read` is DVC's own time for its index and
graph with the checks, `make` is the objects and their YAML. Processor time of one process each, the median of three.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from fromdvc.tasks import MOST_RESULTS

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


def main() -> None:
    """Measure and print."""
    print(
        f"{'stages':>6} {'start':>7} {'read':>7} {'make':>7} {'YAML':>9} {'Pipeline':>9}   results of stages in the run"
    )
    for count in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            file = project(Path(folder), count)
            found = [
                json.loads(
                    subprocess.run([sys.executable, "-c", ONE, str(file)], capture_output=True, check=True).stdout
                )
                for _ in range(RUNS)
            ]
        middle = {name: statistics.median(one[name] for one in found) for name in found[0]}
        times = " ".join(f"{middle[name]:6.2f}s" for name in ("start", "read", "make"))
        sizes = " ".join(f"{middle[name] / 1000:6.0f} kB" for name in ("yaml", "pipeline"))
        print(f"{count:6} {times} {sizes}   {'yes' if count <= MOST_RESULTS else 'no'}", flush=True)


if __name__ == "__main__":
    main()
