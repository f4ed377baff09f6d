"""Training exports its model, and refuses an export with other answers."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from delivery import drift
from flights import candidates, card, evaluate, export, features, params, train
from flights.card import CARD, MODEL
from flights.errors import FlightsError

VERSION = "0" * 12


@pytest.fixture(scope="module")
def few(given: params.Params) -> params.Params:
    """The committed parameters with few trees, because these tests are not about quality."""
    trees = {**given.candidates["boosted"], "max_iter": 5}
    return dataclasses.replace(given, candidates={**given.candidates, "boosted": trees})


@pytest.mark.parametrize("candidate", sorted(candidates.CANDIDATES))
def test_onnx_agrees_with_sklearn(candidate: str, few: params.Params, june: pd.DataFrame, july: pd.DataFrame) -> None:
    model, made = train.train(candidate, few, june, july, VERSION)
    assert made.parity["max_difference"] <= 1e-5
    assert made.parity["rows"] == len(july)
    assert made.onnx_sha256 == hashlib.sha256(model).hexdigest()
    words, numbers = features.order(few.features)
    assert export.columns(export.session(model)) == (*words, *numbers)


def test_onnx_that_disagrees_fails_and_names_the_row(
    few: params.Params, june: pd.DataFrame, july: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = export.late

    def off_on_one_row(*given: object) -> np.ndarray:
        late: np.ndarray = real(*given)  # type: ignore[arg-type]
        late[41] += 0.01
        return late

    monkeypatch.setattr(export, "late", off_on_one_row)
    message = (
        r"logistic: ONNX and scikit-learn differ by 1\.0e-02 on data/flights-2013-07\.csv:43 .*allowed: 1e-05, next: "
    )
    with pytest.raises(FlightsError, match=message):
        train.train("logistic", few, june, july, VERSION)


def test_a_value_between_two_of_training_goes_down_the_same_branch(
    few: params.Params, june: pd.DataFrame, july: pd.DataFrame
) -> None:
    """Halfway between float32's 0.16 and 0.2 lies a float64 below float32's 0.18, and rounding makes it 0.18."""
    june, july = june.copy(), july.head(50).copy()
    june["precip"] = np.where(features.labels(june) == 1, 0.2, 0.16).astype(np.float32)
    july["precip"] = np.float32(0.18)
    _, made = train.train("boosted", few, june, july, VERSION)
    assert made.parity["max_difference"] <= 1e-5


@pytest.mark.parametrize("sides", [([0.1, 0.2], [0.1, np.nan]), ([0.1, np.nan], [0.1, 0.2])])
def test_nan_on_one_side_is_the_largest_difference(sides: tuple[list[float], list[float]]) -> None:
    found = export.parity(np.array(sides[0]), np.array(sides[1]))
    assert (found.max_difference, found.row) == (1.0, 1)


def test_missing_values_and_unknown_words_do_not_break_the_graph(
    few: params.Params, june: pd.DataFrame, july: pd.DataFrame
) -> None:
    frame = july.head(3).copy()
    frame.loc[0, ["temp", "seats"]] = np.nan
    frame.loc[1, "dest"] = "never seen"
    for candidate in candidates.CANDIDATES:
        pipeline = candidates.build(candidate, few.features, few.candidates)
        pipeline.fit(features.matrix(june, few.features), features.labels(june))
        served = export.late(
            export.session(export.export(pipeline, few.features)), features.inputs(frame, few.features)
        )
        assert np.abs(served - export.late_in_sklearn(pipeline, frame, few.features)).max() < 1e-5


def test_same_data_gives_the_same_model(few: params.Params, june: pd.DataFrame, july: pd.DataFrame) -> None:
    models = [train.train("boosted", few, june, july, VERSION)[0] for _ in range(2)]
    assert models[0] == models[1]


_EXPORT = """
import hashlib, sys
import numpy as np
from flights import candidates, export, features, params
from pathlib import Path
given = params.load(Path("params.yaml"))
months = Path(sys.argv[1])
june = features.read([6], months).iloc[::20].reset_index(drop=True)
trees = {**given.candidates["boosted"], "max_iter": 3}
for name in sorted(candidates.CANDIDATES):
    pipeline = candidates.build(name, list(given.features), {**given.candidates, "boosted": trees})
    pipeline.fit(features.matrix(june, list(given.features)), features.labels(june))
    print(name, hashlib.sha256(export.export(pipeline, given.features)).hexdigest())
"""


@pytest.mark.slow
def test_two_processes_export_the_same_bytes(real_months: Path) -> None:
    """Python gives each process another order of sets, unless PYTHONHASHSEED is set."""
    model = Path(__file__).resolve().parents[2]
    printed = {
        subprocess.run(
            [sys.executable, "-c", _EXPORT, str(real_months)],
            cwd=model,
            env={**os.environ, "PYTHONHASHSEED": seed, "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(printed) == 1, printed


def test_unknown_candidate_is_refused(few: params.Params) -> None:
    with pytest.raises(FlightsError, match="candidate: got 'best', allowed: boosted, logistic"):
        candidates.build("best", few.features, few.candidates)


def test_card_is_read_back_as_written(small_model: Path, tmp_path: Path) -> None:
    made = card.load(small_model / CARD)
    card.dump(made, tmp_path / CARD)
    assert card.load(tmp_path / CARD) == made
    assert len(made.sample.rows) == len(made.sample.answers) == 20
    assert "75.0199" not in (small_model / CARD).read_text()


def test_the_card_describes_the_training_data_as_callers_send_it(
    small_model: Path, june: pd.DataFrame, given: params.Params
) -> None:
    reference = card.load(small_model / CARD).reference
    assert [one["name"] for one in reference["features"]] == list(given.features)
    assert reference["data_version"] == "0" * 12
    rows = {name: [train.plain(name, value) for value in june[name]] for name in given.features}
    for name, counted in drift.count(reference, rows).items():
        shares = {bin_: count / len(june) for bin_, count in counted.items()}
        (bins,) = (one["bins"] for one in reference["features"] if one["name"] == name)
        assert shares == pytest.approx(bins, abs=1e-6), name
    assert sum(reference["outputs"]["shares"]) == pytest.approx(1, abs=1e-5)
    temp = next(one for one in reference["features"] if one["name"] == "temp")
    assert max(temp["edges"]) == max(value for value in rows["temp"] if value is not None)


def test_an_invalid_card_is_an_error(tmp_path: Path) -> None:
    (tmp_path / CARD).write_text("{}")
    with pytest.raises(FlightsError, match=r"model\.json: .*allowed: what python -m flights\.train writes"):
        card.load(tmp_path / CARD)


@pytest.mark.slow
def test_better_auc_on_the_test_month_wins(
    few: params.Params, june: pd.DataFrame, july: pd.DataFrame, real_months: Path, tmp_path: Path
) -> None:
    short = dataclasses.replace(few, train_months=(6,))
    scored = []
    for candidate in ("logistic", "boosted"):
        folder = tmp_path / candidate
        folder.mkdir()
        model, made = train.train(candidate, short, june, july, VERSION)
        (folder / MODEL).write_bytes(model)
        card.dump(made, folder / CARD)
        scored.append(evaluate.score(folder, real_months))
    best = evaluate.winner(scored)
    assert best.test.auc == max(one.test.auc for one in scored)
    for one in scored:
        assert evaluate.winner(scored, one.card.candidate) is one, "who is named goes on, whatever the AUC says"
    with pytest.raises(FlightsError, match="CANDIDATE: got 'nobody', allowed: logistic, boosted"):
        evaluate.winner(scored, "nobody")
    evaluate.write_reports(scored, best, tmp_path / "reports")
    summary = json.loads((tmp_path / "reports/metrics.json").read_text())
    assert summary["winner"] == best.card.candidate
    table = (tmp_path / "reports/per-month.csv").read_text().splitlines()
    assert len(table) == 1 + 2 * 2
    assert (tmp_path / "reports/confusion.csv").read_text().count("\n") == len(best.actual) + 1


@pytest.mark.slow
def test_pictures_are_written(small_model: Path, real_months: Path, tmp_path: Path) -> None:
    from flights import plots

    made = dataclasses.replace(card.load(small_model / CARD), train_months=[6])
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / MODEL).write_bytes((small_model / MODEL).read_bytes())
    card.dump(made, folder / CARD)
    plots.write(evaluate.score(folder, real_months), tmp_path)
    for name in ("roc.png", "confusion.png"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")
