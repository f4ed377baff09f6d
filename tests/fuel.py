"""The second use case in a kit of what delivery reads, trained by the commands of its stages, and cached in .cache."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.s2i.flights import locked

KIT = Path(__file__).resolve().parents[1]
FOLDER = "workshop/usecases/fuel"
STAGES = (
    ["fuel.source"],
    ["delivery.tabular", "validate"],
    ["delivery.tabular", "train", "linear"],
    ["delivery.tabular", "train", "boosted"],
    ["delivery.tabular", "evaluate"],
)
_PARTS = (FOLDER, "seldon/base", "seldon/overlays", "grafana/alerts")
_MADE = ("__pycache__", ".pytest_cache", "models", "reports", "cache", "tmp", "config.local", "cars.csv")


def run(folder: Path, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    """A Python module in the folder of the use case, as a Task runs it."""
    known = {name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW_", "USE_CASE"))}
    return subprocess.run([sys.executable, "-m", *words], cwd=folder, env=known | env, capture_output=True, text=True)


def trained_kit() -> Path:
    """The kit's folder, which no test may change; some seconds the first time."""
    said = hashlib.sha256((KIT / "uv.lock").read_bytes())
    for path in sorted(one for part in (*_PARTS, "tekton/toolbox/delivery") for one in (KIT / part).rglob("*.*")):
        if path.is_file() and not set(_MADE) & set(path.relative_to(KIT).parts):
            said.update(str(path.relative_to(KIT)).encode() + path.read_bytes())
    with locked("fuel") as cache:
        made = cache / f"fuel-{said.hexdigest()[:16]}"
        if not made.is_dir():
            for old in cache.glob("fuel-*"):
                shutil.rmtree(old)
            work = cache / "fuel.part"
            shutil.rmtree(work, ignore_errors=True)
            for part in _PARTS:
                shutil.copytree(KIT / part, work / part, ignore=shutil.ignore_patterns(*_MADE))
            for stage in STAGES:
                done = run(work / FOLDER, *stage, OMP_NUM_THREADS="1")
                assert done.returncode == 0, f"{stage}: {done.stdout}{done.stderr}"
            work.rename(made)
    return made
