"""The audit: what the gate lets through is compared with the champion on rows that neither has seen."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from delivery import usecase
from delivery.blindspots import MEASURES, blind_spots, measures
from delivery.commands import audit
from delivery.errors import DeliveryError
from delivery.registry import Registry
from delivery.usecase import Check, Config, LabelledRow, LabelledRows

from tests.s2i.flights import serving_model

KIT = Path(__file__).resolve().parents[2]
TRUTH = np.tile([1.0, 0.0, 0.0, 0.0], 200)
GOOD = np.where(TRUTH == 1, 0.7, 0.1)
GROUPS = ["a", "a", "a", "a", "b", "b", "b", "b"] * 100


@pytest.mark.parametrize(
    ("probability", "threshold", "found"),
    [
        (GOOD, 0.3, []),
        (GOOD, 0.05, ["precision"]),
        (GOOD, 0.9, ["precision", "recall", "worst slice"]),
        (1 - GOOD, 0.2, ["precision", "auc", "calibration error"]),
        (np.sqrt(GOOD), 0.4, ["calibration error"]),
        (np.where(np.asarray(GROUPS) == "b", GOOD / 7, GOOD), 0.05, ["precision", "auc"]),
        (np.where((np.asarray(GROUPS) == "b") & (np.arange(800) % 40 < 20), GOOD / 7, GOOD), 0.3,
         ["auc", "recall", "worst slice"]),
    ],
)  # fmt: skip
def test_a_measure_that_is_clearly_worse_is_a_rule_that_the_gate_lacks(
    probability: Any, threshold: float, found: list[str]
) -> None:
    champion = measures(TRUTH, GOOD, 0.3, [GROUPS])
    spots = blind_spots(measures(TRUTH, probability, threshold, [GROUPS]), champion)
    assert sorted(spot.name for spot in spots) == sorted(found)
    assert all(spot.rule for spot in spots) and set(champion) == {one.name for one in MEASURES}


class Case:
    """A use case with a gate that is open or closed, and rows of any period."""

    def __init__(self, rows: LabelledRows, *, opens: bool = True) -> None:
        self._rows, self._opens = rows, opens

    def gate(self, champion: Any) -> list[Check]:
        assert champion.version == "3"
        return [Check("auc", "0.7", "at least 0.7", True), Check("recall", "0", "at least 1", self._opens)]

    def periods(self, text: str) -> list[str]:
        return text.split(",")

    def labelled_rows(self, period: str) -> LabelledRows:
        return self._rows


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    """The flights in a folder of its own; the same model is champion."""
    folder = serving_model()
    shutil.copytree(folder, tmp_path / "models" / "serving")
    monkeypatch.setattr(Registry, "version_of", lambda *_: "3")
    monkeypatch.setattr(Registry, "graph", lambda *_: (folder / "model.onnx").read_bytes())
    monkeypatch.setattr(Registry, "file", lambda *_: (folder / "model.json").read_bytes())
    card = json.loads((folder / "model.json").read_text())
    sample = card["sample"]
    # The truth is what the model says at its threshold, so the champion makes no mistake.
    rows = [
        LabelledRow(dict(zip(sample["names"], row, strict=True)), float(answer[1] >= card["threshold"]))
        for row, answer in zip(sample["rows"], sample["answers"], strict=True)
    ]
    monkeypatch.setattr(usecase, "load", lambda _: Case(LabelledRows(rows, sample["names"])))
    return dataclasses.replace(usecase.read(KIT / "model"), folder=tmp_path)


def threshold(config: Config, value: float) -> None:
    file = config.folder / "models/serving/model.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "threshold": value}))


def test_a_model_that_warns_of_everything_gets_past_a_gate_without_a_bound_for_precision(config: Config) -> None:
    assert audit.audited(config, "10")["blind_spots"] == []
    threshold(config, 0.0)
    found = audit.audited(config, "10")
    assert found["stopped_by"] == [] and [spot["name"] for spot in found["blind_spots"]] == ["precision"]
    assert found["champion"]["precision"] == 1.0 and found["measures"]["precision"] < 0.95


def test_a_model_that_the_gate_stops_is_not_judged(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usecase, "load", lambda _: Case(LabelledRows([], []), opens=False))
    found = audit.audited(config, "10")
    assert found["stopped_by"] == ["recall"] and "blind_spots" not in found


def test_periods_that_the_model_knows_are_refused(config: Config) -> None:
    with pytest.raises(DeliveryError, match="period 7: the model was trained or tested on it"):
        audit.audited(config, "10,7")


def test_without_a_champion_there_is_nothing_to_compare_with(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Registry, "version_of", lambda *_: "")
    with pytest.raises(DeliveryError, match="flight-delay has no champion yet"):
        audit.audited(config, "10")
