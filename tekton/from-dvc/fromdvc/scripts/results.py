"""The stage's params, metrics and plots as results. All results of a task have 4096 bytes together."""

import json
import os
import sys
from pathlib import Path
from typing import Any

from dvc.fs import localfs
from dvc.utils.serialize import load_path, load_yaml

LARGEST = 800


def read(path: str) -> Any:
    try:
        return load_path(path, localfs)
    except Exception as error:  # a metric may have any format, and a failed stage has none
        return f"{type(error).__name__}: {error}"


os.chdir(Path("repository", os.environ["FOLDER"]))
stage = os.environ["PARAM_STAGE"]
metrics, plots = (json.loads(os.environ[name]) for name in ("PARAM_METRICS", "PARAM_PLOTS"))
file, _, name = stage.rpartition(":")
lock = Path(file).parent / "dvc.lock"
locked = load_yaml(lock)["stages"].get(name, {}) if lock.exists() else {}
found = {"params": locked.get("params", {}), "metrics": {path: read(path) for path in metrics}, "plots": plots}
for result, value in found.items():
    text = json.dumps(value, separators=(",", ":"), default=str)
    if len(text.encode()) > LARGEST:
        sys.stdout.write(f"---> {result}: {text}\n")
        text = json.dumps({"too long for a result, see the log of this task": len(text)})
    Path(os.environ[f"RESULT_{result.upper()}"]).write_text(text)
