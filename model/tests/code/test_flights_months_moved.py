"""The tests of the model pass whatever months params.yaml names: test-code runs them after `flights.advance`, too."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from flights import advance

MODEL = Path(__file__).resolve().parents[2]


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_models_tests_pass_when_the_months_have_moved_on(real_months: Path, tmp_path: Path) -> None:
    copied = tmp_path / "model"
    shutil.copytree(MODEL, copied, ignore=shutil.ignore_patterns("data", "models", "reports", "__pycache__", "cache"))
    (copied / "data").mkdir()
    for file in [*(MODEL / "data").glob("*.dvc"), *real_months.glob("flights-2013-0[67].csv")]:
        (copied / "data" / file.name).symlink_to(file)
    advance.edit(copied / "params.yaml", "1-8", 9)
    words = ["-q", "-m", "not slow", "-p", "no:cacheprovider", "-x", "tests/code", "tests/behaviour"]
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", *words],
        cwd=copied,
        env={**os.environ, "FLIGHTS_HOME": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout[-3000:]
