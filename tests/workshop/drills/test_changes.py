"""The change of each drill does what the drill says, and nothing else refuses it earlier."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from delivery import provenance
from delivery.asking import PROMOTE
from delivery.errors import DeliveryError
from flights import params
from flights.schema import LEAKS, NAMES
from flights.validate import check_file

from tests.s2i.flights import serving_model
from tests.signedruns import DEV, digest, pem, run, signed
from workshop.drills import DRILLS, bad_data, crash_loop, disarmed_gate, leaky_feature, slow_model
from workshop.drills.callers import Callers
from workshop.drills.commits import Commit
from workshop.errors import SetupError
from workshop.usecase import KIT

MODEL = KIT / "model"


def test_each_commit_names_a_task_of_the_pipeline_and_has_its_own_branch() -> None:
    pipelines = ("base/pipelines/train-and-stage.yaml", "production/pipelines/promote.yaml")
    text = "".join((KIT / "tekton" / each).read_text() for each in pipelines)
    commits = [drill for drill in DRILLS.values() if isinstance(drill, Commit)]
    assert all(f"- name: {drill.task}\n" in text for drill in commits)
    assert [drill.name for drill in commits] == [name for name, drill in DRILLS.items() if isinstance(drill, Commit)]


def test_each_alert_of_a_drill_is_one_of_the_rules() -> None:
    text = (KIT / "grafana/alerts/rules.yaml").read_text()
    for drill in DRILLS.values():
        if isinstance(drill, Callers):
            assert f"- alert: {drill.alert}\n" in text


@pytest.fixture
def month(tmp_path: Path) -> Path:
    """A month of flights that are allowed, one a line: the same flight on each day."""
    request = json.loads((KIT / "seldon/requests/flight.json").read_text())["data"]
    values = dict(zip(request["names"], request["ndarray"][0], strict=True))
    row = [values.get(name, "") for name in NAMES]
    file = tmp_path / bad_data.MONTH
    with file.open("w", newline="", encoding="utf-8") as opened:
        writer = csv.writer(opened, lineterminator="\n")
        writer.writerow(NAMES)
        writer.writerows(row for _ in range(bad_data.ROW + 1))
    return file


def test_validation_names_the_impossible_distance(month: Path) -> None:
    def distances() -> list[str]:
        return [line for line in map(str, check_file(month).findings) if "distance" in line]

    assert distances() == []
    bad_data.spoil(month)
    (finding,) = distances()
    assert re.search(bad_data.DRILL.pattern, finding), finding


def test_the_leak_is_a_column_of_which_the_tests_say_so(tmp_path: Path) -> None:
    shutil.copy(MODEL / "params.yaml", tmp_path)
    assert not LEAKS & set(params.load(tmp_path / "params.yaml").features)
    leaky_feature.change(tmp_path, {})
    assert LEAKS & set(params.load(tmp_path / "params.yaml").features)
    with pytest.raises(SetupError, match="adds features already"):
        leaky_feature.change(tmp_path, {})


def test_the_tests_of_behaviour_refuse_the_leak_and_pass_without_it(tmp_path: Path) -> None:
    model = tmp_path / "model"
    shutil.copytree(MODEL, model, ignore=shutil.ignore_patterns(".dvc", "models", "reports", "__pycache__"))

    def behaviour() -> subprocess.CompletedProcess[str]:
        words = [
            "-m",
            "pytest",
            "-p",
            "no:cacheprovider",
            "--no-header",
            "tests/behaviour",
            "-k",
            "known_only_afterwards",
        ]
        known = {**os.environ, "PYTHONPATH": str(model), "PYTEST_ADDOPTS": ""}
        return subprocess.run(
            [sys.executable, *words], cwd=model, env=known, capture_output=True, text=True, check=False
        )

    assert behaviour().returncode == 0
    leaky_feature.change(model, {})
    refused = behaviour()
    assert refused.returncode == 1 and re.search(leaky_feature.DRILL.pattern, refused.stdout), refused.stdout


def test_production_refuses_what_the_drill_of_the_gate_looks_for() -> None:
    key = provenance.public_key(pem())
    made = signed(run("train-1", 1, gate="disabled", passed="unchecked"))
    with pytest.raises(DeliveryError) as refused:
        provenance.proven([made], digest(1), key, provenance.POLICIES[PROMOTE], DEV)
    assert re.search(disarmed_gate.DRILL.pattern, str(refused.value))
    checked = signed(run("train-1", 1))
    assert provenance.proven([checked], digest(1), key, provenance.POLICIES[PROMOTE], DEV).gate == "enabled"
    assert disarmed_gate.DRILL.params == {"gate-mode": "disabled"}


def _import(folder: Path, code: str, **env: str) -> subprocess.CompletedProcess[str]:
    known = {**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{MODEL}", **env}
    return subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=known, capture_output=True, text=True, check=False
    )


def test_the_model_crashes_where_it_is_deployed_and_nowhere_else(tmp_path: Path) -> None:
    shutil.copy(MODEL / "FlightDelay.py", tmp_path)
    crash_loop.change(tmp_path, {})
    assert _import(tmp_path, "import FlightDelay").returncode == 0
    served = _import(tmp_path, "import FlightDelay", PREDICTIVE_UNIT_HTTP_SERVICE_PORT="9000")
    assert served.returncode == 1 and re.search(crash_loop.DRILL.pattern, served.stderr)


def test_each_prediction_is_slower_than_verify_staging_allows(tmp_path: Path) -> None:
    shutil.copy(MODEL / "FlightDelay.py", tmp_path)
    timed = """
import json, sys, time
from FlightDelay import FlightDelay
data = json.load(open(sys.argv[1]))["data"]
model = FlightDelay(); model.load()
times = [time.perf_counter()]
for _ in range(3):
    model.predict(data["ndarray"], data["names"])
    times.append(time.perf_counter())
print(min(after - before for before, after in zip(times, times[1:])))
""".replace("sys.argv[1]", repr(str(KIT / "seldon/requests/flight.json")))

    def seconds() -> float:
        done = _import(tmp_path, timed, MODEL_DIR=str(serving_model()))
        assert done.returncode == 0, done.stderr
        return float(done.stdout)

    before = seconds()
    slow_model.change(tmp_path, {})
    assert before < 0.25 < seconds()
