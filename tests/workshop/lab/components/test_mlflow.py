"""The lab's real MLflow: the pages that the guide opens exist before anything was logged."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from workshop.lab.components.mlflow import process
from workshop.participants.names import EXPERIMENT_ID


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_the_experiment_has_the_id_that_the_guide_links_to_also_after_a_restart(tmp_path: Path) -> None:
    part = process(tmp_path, 1, {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}, tmp_path / "token", "")
    script = (
        "from workshop.lab.components.mlflow_server import create_experiment; create_experiment(); "
        "from mlflow.server.handlers import _get_tracking_store as store; "
        "print([(e.name, e.experiment_id) for e in store().search_experiments()])"
    )
    for _ in range(2):
        run = subprocess.run([sys.executable, "-c", script], env=part.env, capture_output=True, text=True, check=False)
        assert f"('flights', '{EXPERIMENT_ID}')" in run.stdout, run.stderr[-2000:]
