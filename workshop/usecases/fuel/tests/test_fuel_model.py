"""The candidates: good enough, the same in ONNX and scikit-learn, sensible; the gate, and the use case's functions."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from delivery import card as cards
from delivery import drift, graph, usecase
from delivery.errors import DeliveryError
from delivery.usecase import Champion
from fuel import candidates, card, data, evaluate, export, gate, metrics, train
from fuel.card import CARD, MODEL
from fuel.schema import FEATURES

FOLDER = Path(__file__).resolve().parents[1]
GOLF = {
    "cylinders": 4, "displacement": 1457, "horsepower": 71, "weight": 828, "acceleration": 12.2, "year": 1978,
    "origin": "Europe",
}  # fmt: skip


@pytest.fixture
def test_cars(cars: pd.DataFrame, params: dict[str, Any]) -> pd.DataFrame:
    return data.split(cars, params["split"]["every"]).test


def answer(folder: Path, **values: Any) -> float:
    row = pd.DataFrame([{**GOLF, **values}])
    running = graph.session((folder / MODEL).read_bytes())
    return float(export.predicted(running, data.inputs(row))[0])


def test_the_gate_opens_for_both_candidates(trained: Path, test_cars: pd.DataFrame, params: dict[str, Any]) -> None:
    assert [check.line for check in gate.decide(trained, test_cars, params["gate"], None) if not check.passed] == []


def test_onnx_and_scikit_learn_agree(trained: Path) -> None:
    assert 0 <= card.load(trained).parity["max_difference"] <= 1e-5


def test_a_pipeline_that_onnx_does_not_repeat_is_refused(
    cars: pd.DataFrame, params: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graph, "export", lambda *_: _other(cars, params))
    with pytest.raises(DeliveryError, match=r"linear: ONNX and scikit-learn differ by .* on test car"):
        train.train("linear", params, cars, "0" * 12, ())


def _other(cars: pd.DataFrame, params: dict[str, Any]) -> bytes:
    """The graph of a model that was fitted to fewer cars."""
    fitted = candidates.build("linear", params["candidates"]).fit(
        cars[[*train.WORDS, *train.NUMBERS]][:99], data.truth(cars)[:99]
    )
    return EXPORT(fitted, "other", train.WORDS, train.NUMBERS)


EXPORT = graph.export


def test_a_heavier_car_consumes_more(trained: Path) -> None:
    light, heavy = answer(trained, weight=800), answer(trained, weight=1600)
    assert heavy > light + 1


def test_a_later_car_consumes_less(trained: Path) -> None:
    assert answer(trained, year=1982) < answer(trained, year=1971)


def test_an_unknown_power_changes_little(trained: Path) -> None:
    assert answer(trained, horsepower=np.nan) == pytest.approx(answer(trained), abs=1.5)


def test_training_again_gives_the_same_model(cars: pd.DataFrame, params: dict[str, Any]) -> None:
    (one, made), (other, again) = (train.train("linear", params, cars, "0" * 12, ("origin",)) for _ in range(2))
    assert one == other
    assert made.identity == again.identity
    assert made.identity != dataclasses.replace(made, data_version="1" * 12).identity


def test_the_card_has_what_the_contract_reads(trained: Path) -> None:
    made, read = card.load(trained), cards.load(trained / CARD)
    assert (read.name, read.outputs, read.names) == (made.name, ["consumption"], list(FEATURES))
    assert len(read.rows) == len(read.answers) == 20
    assert {len(row) for row in read.rows} == {7}


def test_usecase_yaml_and_the_code_have_the_same_names() -> None:
    config = usecase.read(FOLDER)
    assert (config.deployment, config.task, config.target) == (card.NAME, usecase.REGRESSION, train.UNIT)


def test_the_references_divide_training_and_test_into_tenths(trained: Path) -> None:
    made = card.load(trained)
    shares = made.reference["outputs"]["shares"]
    assert len(shares) == 10 and min(shares) > 0.05
    assert len(made.residual_edges) == 9 and made.residual_edges == sorted(made.residual_edges)


def test_the_cars_of_the_test_are_no_drift_and_pounds_are(trained: Path, test_cars: pd.DataFrame) -> None:
    reference = card.load(trained).reference
    rows = {
        name: list(values) for name, values in zip(FEATURES, zip(*train.rows_of(test_cars), strict=True), strict=True)
    }
    pounds = rows | {"weight": [2.2046 * kilograms for kilograms in rows["weight"]]}
    moved = {}
    for one, two in ((rows, "test"), (pounds, "pounds")):
        counted = drift.count(reference, one)
        moved[two] = {
            feature["name"]: drift.psi(counted[feature["name"]], feature["bins"]) / max(2 * feature["usual"], 0.25)
            for feature in reference["features"]
        }
    assert max(moved["test"].values()) < 0.6
    assert moved["pounds"]["weight"] > 3


def test_r2_compares_with_the_mean_of_training() -> None:
    actual = np.array([4.0, 6.0])
    found = metrics.score(actual, np.array([5.0, 6.0]), mean=7.0)
    assert (found.mae, found.bias, found.rmse) == (0.5, 0.5, pytest.approx(0.5**0.5))
    assert found.r2 == pytest.approx(1 - 1 / 10)
    assert metrics.score(actual, np.full(2, 7.0), mean=7.0).r2 == 0


def test_slices_add_up_to_all_test_cars(trained: Path, test_cars: pd.DataFrame) -> None:
    one = evaluate.score(trained, test_cars)
    table = one.slices
    assert set(table["slice"]) == {"origin", "cylinders"}
    for _, part in table.groupby("slice"):
        assert part["rows"].sum() == len(test_cars)
        assert (part["rmse"] ** 2 * part["rows"]).sum() == pytest.approx(one.metrics.rmse**2 * len(test_cars), rel=1e-2)


def test_the_smaller_error_wins_unless_a_candidate_is_named(trained: Path, test_cars: pd.DataFrame) -> None:
    one = evaluate.score(trained, test_cars)
    worse = dataclasses.replace(one, card=dataclasses.replace(one.card, candidate="worse"), predicted=one.predicted + 1)
    assert evaluate.winner([worse, one]) is one
    assert evaluate.winner([worse, one], "worse") is worse
    with pytest.raises(DeliveryError, match="CANDIDATE: got 'none', allowed: worse, "):
        evaluate.winner([worse, one], "none")


def test_a_slice_that_is_no_feature_is_refused(cars: pd.DataFrame, params: dict[str, Any]) -> None:
    with pytest.raises(DeliveryError, match=r"usecase\.yaml: slices: got 'colour', allowed: cylinders"):
        train.train("linear", params, cars, "0" * 12, ("colour",))


def test_the_gate_closes_for_a_bad_model(trained: Path, test_cars: pd.DataFrame, params: dict[str, Any]) -> None:
    swapped = test_cars.assign(consumption=test_cars["consumption"].to_numpy()[::-1])
    failed = {check.name for check in gate.decide(trained, swapped, params["gate"], None) if not check.passed}
    assert failed == {"rmse", "r2"}


def test_a_model_that_is_too_good_is_not_believed(
    trained: Path, test_cars: pd.DataFrame, params: dict[str, Any]
) -> None:
    running = graph.session((trained / MODEL).read_bytes())
    told = test_cars.assign(consumption=export.predicted(running, data.inputs(test_cars)))
    failed = {check.name for check in gate.decide(trained, told, params["gate"], None) if not check.passed}
    assert failed == {"rmse is believable"}


def test_the_champion_is_compared_on_the_same_cars(
    trained: Path, cars: pd.DataFrame, test_cars: pd.DataFrame, params: dict[str, Any]
) -> None:
    same = Champion("3", (trained / MODEL).read_bytes())
    assert gate.decide(trained, test_cars, params["gate"], same)[-1].passed
    poor = Champion("2", _other(cars, params))
    check = gate.decide(trained, test_cars, params["gate"], poor)[-1]
    assert check.passed and check.measured.endswith("%)")
    worse = gate.against(1.05, 1.0, "3", 0.02)
    assert (worse.passed, worse.measured, worse.allowed) == (False, "1.05 to 1 (+5.0%)", "at most 2.0% above version 3")


def test_an_unknown_candidate_is_refused(cars: pd.DataFrame, params: dict[str, Any]) -> None:
    with pytest.raises(DeliveryError, match="candidate: got 'forest', allowed: boosted, linear"):
        train.train("forest", params, cars, "0" * 12, ())


def test_the_pictures_of_a_run_are_made_without_a_display(
    trained: Path, test_cars: pd.DataFrame, tmp_path: Path
) -> None:
    evaluate._artifacts(evaluate.score(trained, test_cars), tmp_path)
    assert {file.name for file in tmp_path.iterdir()} == {"predicted.png", "slices.csv", "residuals.csv"}


def test_every_field_of_the_card_is_json(trained: Path) -> None:
    raw = json.loads((trained / CARD).read_text(), parse_constant=lambda name: pytest.fail(name))
    assert raw["target"] == "litres per 100 km"
