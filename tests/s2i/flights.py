"""The workshop's model as a source for S2I: trained on a slice of two months, and cached in .cache."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

KIT = Path(__file__).resolve().parents[2]
CACHE = KIT / ".cache" / "tests"
LEFT_OUT = ("__pycache__", "data", "models", "reports", "tests", ".dvc", ".pytest_cache")

TRAIN = """
import sys
from pathlib import Path
from flights import card, data, features, params, train
from flights.card import CARD, MODEL

out = Path(sys.argv[1])
data.make([6, 7], out / "months")
june = features.read([6], out / "months").iloc[::5].reset_index(drop=True)
july = features.read([7], out / "months").iloc[::7].reset_index(drop=True)
model, made = train.train("boosted", params.load(Path("params.yaml")), june, july, "0" * 12, ("carrier", "origin"))
(out / MODEL).write_bytes(model)
card.dump(made, out / CARD)
"""
"""In a process of its own: its libraries are large, and their threads would stay."""


@contextmanager
def locked(name: str) -> Iterator[Path]:
    """The folder .cache/tests, for one test process at a time."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield CACHE


def fingerprint(script: str) -> str:
    """Sixteen digits that change with the script and with what the model is made of."""
    said = hashlib.sha256(script.encode())
    for path in sorted([*(KIT / "model" / "flights").rglob("*.py"), KIT / "model" / "params.yaml", KIT / "uv.lock"]):
        said.update(path.read_bytes())
    return said.hexdigest()[:16]


def source(target: Path) -> Path:
    """A copy of model/ with a trained model in it, as the pipeline hands it to S2I."""
    shutil.copytree(KIT / "model", target, ignore=shutil.ignore_patterns(*LEFT_OUT))
    shutil.copytree(serving_model(), target / "models" / "serving")
    return target


def serving_model() -> Path:
    """The folder models/serving of a small model; some seconds the first time."""
    with locked("flights") as cache:
        made = cache / f"flights-{fingerprint(TRAIN)}"
        if not made.is_dir():
            for old in cache.glob("flights-*"):
                shutil.rmtree(old)
            work = cache / "flights.part"
            shutil.rmtree(work, ignore_errors=True)
            work.mkdir()
            env = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(KIT / "model")}
            subprocess.run([sys.executable, "-c", TRAIN, str(work)], cwd=KIT / "model", env=env, check=True)
            shutil.rmtree(work / "months")
            work.rename(made)
    return made
