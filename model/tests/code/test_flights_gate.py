"""The gate passes a good model, and shows the difference for each failing check."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest
from delivery.__main__ import main
from delivery.usecase import Champion, Check
from flights import card, gate, params
from flights.card import CARD, MODEL


def failing(checks: list[Check]) -> list[str]:
    return [check.name for check in checks if not check.passed]


@pytest.fixture
def limits(given: params.Params) -> params.Gate:
    # The small model of the tests is not the real one: what it must reach is lower.
    return dataclasses.replace(given.gate, min_auc=0.6, min_recall=0.1)


def test_good_model_passes_every_check(small_model: Path, july: pd.DataFrame, limits: params.Gate) -> None:
    checks = gate.decide(small_model, july, limits, None)
    assert failing(checks) == []
    assert [check.name for check in checks] == [
        "auc", "auc is believable", "no leak", "recall", "parity", "model bytes", "row milliseconds",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("bound", "value", "name"),
    [
        ("min_auc", 0.99, "auc"),
        ("max_auc", 0.5, "auc is believable"),
        ("min_recall", 1.1, "recall"),
        ("max_parity", 1e-12, "parity"),
        ("max_bytes", 10, "model bytes"),
        ("max_row_ms", 0.0, "row milliseconds"),
    ],
)
def test_each_bound_can_close_the_gate(
    small_model: Path, july: pd.DataFrame, limits: params.Gate, bound: str, value: float, name: str
) -> None:
    tight = params.Gate(**{**dataclasses.asdict(limits), bound: value})
    assert failing(gate.decide(small_model, july, tight, None)) == [name]


def test_leak_closes_the_gate_and_the_remedy_names_it(small_model: Path, limits: params.Gate) -> None:
    made = card.load(small_model / CARD)
    leaky = dataclasses.replace(made, inputs=[*made.inputs, {"name": "dep_delay", "type": "integer"}])
    (check,) = [check for check in gate.bounds(leaky, 0.8, 0.6, limits) if not check.passed]
    assert (check.name, check.measured) == ("no leak", "uses dep_delay")
    assert check.remedy == "take dep_delay out of features.add in params.yaml"


def test_a_failing_check_has_the_difference(small_model: Path, limits: params.Gate) -> None:
    made = card.load(small_model / CARD)
    (check,) = [check for check in gate.bounds(made, 0.55, 0.6, limits) if not check.passed]
    assert check.measured == "0.55 (0.05 short)"
    assert check.line.startswith("FAIL auc ")


def test_nan_does_not_pass(small_model: Path, limits: params.Gate) -> None:
    made = card.load(small_model / CARD)
    assert "auc" in failing(gate.bounds(made, float("nan"), 0.6, limits))


def test_champion_is_scored_on_the_same_rows(small_model: Path, july: pd.DataFrame, limits: params.Gate) -> None:
    champion = Champion("3", (small_model / MODEL).read_bytes())
    check = gate.decide(small_model, july, limits, champion)[-1]
    assert (check.name, check.passed) == ("against the champion", True)
    assert "(+0.0000)" in check.measured
    assert "version 3" in check.allowed


def test_challenger_below_the_champion_fails() -> None:
    assert not gate.against(0.70, 0.75, "3", 0.002).passed
    assert gate.against(0.749, 0.75, "3", 0.002).passed


@pytest.fixture
def project(small_model: Path, real_months: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project folder whose challenger is the small model."""
    shutil.copytree(small_model, tmp_path / "models/serving")
    (tmp_path / "data").symlink_to(real_months)
    text = (Path(__file__).resolve().parents[2] / "params.yaml").read_text()
    (tmp_path / "params.yaml").write_text(text)
    shutil.copy(Path(__file__).resolve().parents[2] / "usecase.yaml", tmp_path)
    monkeypatch.setenv("FLIGHTS_HOME", str(tmp_path))
    monkeypatch.setenv("USE_CASE", str(tmp_path))
    return tmp_path


def bound(project: Path, name: str, value: float) -> None:
    """Set a bound of the gate, whatever was committed."""
    file = project / "params.yaml"
    text, count = re.subn(rf"(?m)^(  {name}: )[\d.e-]+", rf"\g<1>{value}", file.read_text())
    assert count == 1
    file.write_text(text)


def closed(project: Path) -> None:
    bound(project, "min_auc", 0.99)


def test_closed_gate_fails_and_writes_why(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    closed(project)
    assert main(["gate"]) == 1
    message = capsys.readouterr().out
    assert "no champion to compare with: MLFLOW_TRACKING_URI is not set" in message
    assert "the gate is closed: auc: 0." in message
    assert "next: better features or another candidate in params.yaml" in message and "then dvc repro" in message
    written = json.loads((project / "reports/gate.json").read_text())
    assert (written["mode"], written["passed"]) == ("enabled", False)


def test_dry_run_reports_and_passes(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    closed(project)
    assert main(["gate", "--mode", "dry-run"]) == 0
    assert "the gate is closed" in capsys.readouterr().out
    assert json.loads((project / "reports/gate.json").read_text())["passed"] is False


@pytest.mark.parametrize(("mode", "passed"), [("enabled", "false"), ("dry-run", "false"), ("disabled", "unchecked")])
def test_the_results_name_the_mode_that_the_gate_ran_in(project: Path, tmp_path: Path, mode: str, passed: str) -> None:
    closed(project)
    main(["gate", "--mode", mode, "--results", str(tmp_path)])
    assert ((tmp_path / "mode").read_text(), (tmp_path / "passed").read_text()) == (mode, passed)


def test_an_open_gate_has_passed(project: Path, tmp_path: Path) -> None:
    bound(project, "min_auc", 0.6)
    bound(project, "min_recall", 0.1)
    assert main(["gate", "--results", str(tmp_path)]) == 0
    assert ((tmp_path / "mode").read_text(), (tmp_path / "passed").read_text()) == ("enabled", "true")


def test_a_disabled_gate_is_reported(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    closed(project)
    assert main(["gate", "--mode", "disabled"]) == 0
    assert "the gate is disabled" in capsys.readouterr().out
