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
from delivery import drift, graph
from delivery.card import CARD, MODEL
from delivery.errors import DeliveryError
from delivery.tabular import card, evaluate, fitting, gate, quality, table, train
from delivery.tabular.project import Project
from delivery.usecase import Champion

GOLF = {
    "cylinders": 4, "displacement": 1457, "horsepower": 71, "weight": 828, "acceleration": 12.2, "year": 1978,
    "origin": "Europe",
}  # fmt: skip


@pytest.fixture
def answer(project: Project, trained: Path) -> Any:
    """The consumption of a car that differs from the Golf in some values."""
    running = graph.session((trained / MODEL).read_bytes())

    def ask(**values: Any) -> float:
        row = pd.DataFrame([{**GOLF, **values}])
        return float(fitting.predicted(running, table.inputs(project.contract, row))[0])

    return ask


def changed(project: Project, **params: Any) -> Project:
    """The project with other params, and the same rows."""
    made = dataclasses.replace(project, params={**project.params, **params})
    made.__dict__["rows"] = project.rows
    return made


def closed(project: Project, folder: Path, test: pd.DataFrame, champion: Champion | None = None) -> set[str]:
    return {check.name for check in gate.decide(project, folder, test, champion) if not check.passed}


def test_the_gate_opens_for_both_candidates(project: Project, trained: Path) -> None:
    assert closed(project, trained, project.rows.test) == set()


def test_onnx_and_scikit_learn_agree(trained: Path) -> None:
    assert 0 <= card.of(trained).parity["max_difference"] <= 1e-5


def other(project: Project) -> bytes:
    """The graph of a model that was fitted to fewer cars."""
    learner, few = project.learner("linear"), project.rows.learning[:99]
    learner.fit(project.features(few), project.truth(few))
    return learner.onnx()


def test_a_pipeline_that_onnx_does_not_repeat_is_refused(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    model = other(project)
    monkeypatch.setattr(graph, "export", lambda *_: model)
    with pytest.raises(DeliveryError, match=r"linear: ONNX and the library differ by .* on test row"):
        train.train(project, "linear", "0" * 12)


def test_a_heavier_car_consumes_more(answer: Any) -> None:
    light, heavy = answer(weight=800), answer(weight=1600)
    assert heavy > light + 1


def test_a_later_car_consumes_less(answer: Any) -> None:
    assert answer(year=1982) < answer(year=1971)


def test_an_unknown_power_changes_little(answer: Any) -> None:
    assert answer(horsepower=np.nan) == pytest.approx(answer(), abs=1.5)


def test_training_again_gives_the_same_model(project: Project) -> None:
    (one, made), (two, again) = (train.train(project, "linear", "0" * 12) for _ in range(2))
    assert one == two
    assert made.identity == again.identity
    assert made.identity != dataclasses.replace(made, data_version="1" * 12).identity


def test_the_card_has_what_the_contract_reads(project: Project, trained: Path) -> None:
    made, read = card.of(trained), cards.load(trained / CARD)
    assert (read.name, read.outputs, read.names) == (made.name, ["consumption"], list(project.contract.features))
    assert len(read.rows) == len(read.answers) == 20
    assert {len(row) for row in read.rows} == {7}


def test_the_references_divide_training_and_test_into_tenths(trained: Path) -> None:
    made = card.of(trained)
    shares = made.reference["outputs"]["shares"]
    assert len(shares) == 10 and min(shares) > 0.05
    assert len(made.residual_edges) == 9 and made.residual_edges == sorted(made.residual_edges)


def test_the_cars_of_the_test_are_no_drift_and_pounds_are(project: Project, trained: Path) -> None:
    reference, contract = card.of(trained).reference, project.contract
    rows = {name: table.as_sent(contract, name, project.rows.test) for name in contract.features}
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
    found = quality.regression(actual, np.array([5.0, 6.0]), mean=7.0)
    assert (found["mae"], found["bias"], found["rmse"]) == (0.5, 0.5, pytest.approx(0.5**0.5))
    assert found["r2"] == pytest.approx(1 - 1 / 10)
    assert quality.regression(actual, np.full(2, 7.0), mean=7.0)["r2"] == 0


def test_slices_add_up_to_all_test_cars(project: Project, trained: Path) -> None:
    one = evaluate.score(project, trained)
    found, cars = one.slices, len(project.rows.test)
    assert set(found["slice"]) == {"origin", "cylinders"}
    for _, part in found.groupby("slice"):
        assert part["rows"].sum() == cars
        assert (part["rmse"] ** 2 * part["rows"]).sum() == pytest.approx(one.metrics["rmse"] ** 2 * cars, rel=1e-2)


def test_the_smaller_error_wins_unless_a_candidate_is_named(project: Project, trained: Path) -> None:
    one = evaluate.score(project, trained)
    worse = dataclasses.replace(one, card=dataclasses.replace(one.card, candidate="worse"), predicted=one.predicted + 1)
    assert evaluate.winner([worse, one]) is one
    assert evaluate.winner([worse, one], "worse") is worse
    with pytest.raises(DeliveryError, match="CANDIDATE: got 'none', allowed: worse, "):
        evaluate.winner([worse, one], "none")


def test_a_slice_that_is_no_feature_is_refused(project: Project) -> None:
    with pytest.raises(DeliveryError, match=r"usecase\.yaml: slices: got 'colour', allowed: cylinders"):
        train.values_of(project, "colour", project.rows.learning)


def test_the_gate_closes_for_a_bad_model(project: Project, trained: Path) -> None:
    test = project.rows.test
    assert closed(project, trained, test.assign(consumption=test["consumption"].to_numpy()[::-1])) == {"rmse", "r2"}


def test_a_model_that_is_too_good_is_not_believed(project: Project, trained: Path) -> None:
    running, test = graph.session((trained / MODEL).read_bytes()), project.rows.test
    known = test.assign(consumption=fitting.predicted(running, table.inputs(project.contract, test)))
    assert closed(project, trained, known) == {"rmse is believable"}


def test_the_champion_is_compared_on_the_same_cars(project: Project, trained: Path) -> None:
    test = project.rows.test
    same, poor = Champion("3", (trained / MODEL).read_bytes()), Champion("2", other(project))
    assert gate.decide(project, trained, test, same)[-1].passed
    check = gate.decide(project, trained, test, poor)[-1]
    assert check.passed and check.measured.endswith("%)")
    worse = gate.less(1.05, 1.0, "3", 0.02)
    assert (worse.passed, worse.measured, worse.allowed) == (False, "1.05 to 1 (+5.0%)", "at most 2.0% above version 3")


def test_an_unknown_candidate_is_refused(project: Project) -> None:
    with pytest.raises(DeliveryError, match="candidate: got 'forest', allowed: boosted, linear"):
        train.train(project, "forest", "0" * 12)
    without = changed(project, candidates={"linear": {"alpha": 1.0}})
    with pytest.raises(DeliveryError, match="candidate: got 'boosted', allowed: linear"):
        train.train(without, "boosted", "0" * 12)


def test_the_pictures_of_a_run_are_made_without_a_display(project: Project, trained: Path, tmp_path: Path) -> None:
    evaluate.write_artifacts(evaluate.score(project, trained), tmp_path)
    assert {file.name for file in tmp_path.iterdir()} == {"test.png", "slices.csv", "answers.csv"}


def test_every_field_of_the_card_is_json(trained: Path) -> None:
    raw = json.loads((trained / CARD).read_text(), parse_constant=lambda name: pytest.fail(name))
    assert raw["target"] == "litres per 100 km"
