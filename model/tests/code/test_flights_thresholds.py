"""The scores in model.json give the confusion matrix at each threshold, and the gate's own checks there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from delivery.usecase import Scores
from flights import card, export, features, gate, metrics, params, train, usecase
from flights.card import CARD, CLASSES, MODEL
from flights.errors import FlightsError


@pytest.fixture
def made(small_model: Path) -> card.Card:
    return card.load(small_model / CARD)


@pytest.fixture
def scores(made: card.Card) -> Scores:
    return Scores(made.scores[CLASSES[0]], made.scores[CLASSES[1]])


@pytest.mark.parametrize("percent", [7, 29, 30, 57, 58])
def test_the_counts_at_a_threshold_are_those_of_the_rows(
    small_model: Path, made: card.Card, scores: Scores, july: pd.DataFrame, percent: int
) -> None:
    """Thresholds such as 0.29 and 0.57 have no exact float: 100 times them is less than 29 and 57."""
    late = export.late(export.session((small_model / MODEL).read_bytes()), features.inputs(july, made.features))
    real = metrics.confusion(features.labels(july), late, percent / 100)
    found = scores.at(percent)
    assert (found.hits, found.misses) == (real.true_late, real.false_on_time)
    assert (found.false_alarms, found.rejections) == (real.false_late, real.true_on_time)


def test_a_probability_on_a_bound_is_in_the_bin_that_begins_there() -> None:
    late = np.array([0.29, 0.57, 0.0, 1.0])
    assert metrics.bins(late, 100).tolist() == [29, 57, 0, 99]


def test_the_area_under_the_curve_of_the_bins_is_that_of_the_rows(made: card.Card, scores: Scores) -> None:
    assert scores.auc == pytest.approx(made.metrics["auc"], abs=2e-3)


def test_the_gate_at_the_models_own_threshold_is_the_gate(
    small_model: Path, made: card.Card, scores: Scores, given: params.Params, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(params, "load", lambda: given)
    by_threshold = usecase.gate_by_threshold(small_model / CARD, scores)
    own = by_threshold[round(100 * made.threshold)]
    assert own == gate.bounds(made, made.metrics["auc"], made.metrics["recall"], given.gate)


def test_the_gate_closes_where_recall_falls_below_its_bound(
    small_model: Path, scores: Scores, given: params.Params, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(params, "load", lambda: given)
    recalls = [next(one for one in checks if one.name == "recall")
               for checks in usecase.gate_by_threshold(small_model / CARD, scores)]  # fmt: skip
    for at, check in enumerate(recalls):
        assert check.passed == (scores.at(at).recall >= given.gate.min_recall)
    assert recalls[0].passed and not recalls[99].passed


def test_the_calibration_error_is_the_weighted_distance_of_the_tenths() -> None:
    late = np.array([0.05, 0.05, 0.35, 0.35, 0.35, 1.0])
    actual = np.array([0, 1, 1, 1, 0, 1])
    expected = 2 / 6 * abs(0.5 - 0.05) + 3 / 6 * abs(2 / 3 - 0.35) + 1 / 6 * abs(1 - 1.0)
    assert metrics.calibration_error(actual, late) == pytest.approx(expected)


def test_a_slice_that_the_schema_does_not_have_is_refused(
    given: params.Params, june: pd.DataFrame, july: pd.DataFrame
) -> None:
    for name in ("airline", "distance", "date"):
        with pytest.raises(FlightsError, match=f"slices: got '{name}', allowed: carrier, origin, dest"):
            train.train("logistic", given, june, july, "0" * 12, (name,))


def test_a_slice_that_is_no_feature_of_the_model_is_left_out(
    june: pd.DataFrame, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train.slices_of(("carrier", "origin"), ["origin"], june) == {"origin": ["EWR", "JFK", "LGA"]}
    assert "quality is not counted by carrier" in capsys.readouterr().out


def test_the_values_of_a_slice_are_the_most_frequent_of_training(june: pd.DataFrame) -> None:
    found = train.slices_of(("dest",), ["dest"], june)["dest"]
    assert len(found) == train.SLICE_VALUES
    assert set(found) >= set(june["dest"].value_counts().index[:10])


def test_bins_of_unlike_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="3 and 2 bins"):
        Scores([1, 2, 3], [1, 2])
