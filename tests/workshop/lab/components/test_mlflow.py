"""The lab's real MLflow: the pages that the guide opens exist before anything was logged."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kit import until
from workshop.lab.components.mlflow import process
from workshop.participants.names import EXPERIMENT_ID


@pytest.mark.slow
def test_the_experiment_has_the_id_that_the_guide_links_to_also_after_a_restart(tmp_path: Path) -> None:
    part = process(tmp_path, 1, {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}, tmp_path / "token", "")
    script = (
        "from workshop.lab.components.mlflow_server import make_database; make_database(); "
        "from mlflow.server.handlers import _get_tracking_store as store; "
        "print([(e.name, e.experiment_id) for e in store().search_experiments()])"
    )
    for _ in range(2):
        run = subprocess.run([sys.executable, "-c", script], env=part.env, capture_output=True, text=True, check=False)
        assert f"('flights', '{EXPERIMENT_ID}')" in run.stdout, run.stderr[-2000:]


@pytest.mark.slow
def test_a_first_migration_that_was_killed_is_made_again(tmp_path: Path) -> None:
    part = process(tmp_path, 1, {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}, tmp_path / "token", "")
    command = [sys.executable, "-c", "from workshop.lab.components.mlflow_server import make_database as m; m()"]
    database, partial = tmp_path / "mlflow.sqlite", tmp_path / "mlflow.sqlite.new"
    with subprocess.Popen(command, env=part.env, stderr=subprocess.DEVNULL) as first:
        until(lambda: partial.exists() and partial.stat().st_size > 0, 60, "the migration has begun")
        first.kill()
    assert not database.exists()
    again = subprocess.run(command, env=part.env, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr[-2000:]
    with sqlite3.connect(database) as opened:
        assert opened.execute("SELECT name FROM experiments WHERE experiment_id = ?", (EXPERIMENT_ID,)).fetchall() == [
            ("flights",)
        ]
    assert not list(tmp_path.glob("mlflow.sqlite.new*"))
