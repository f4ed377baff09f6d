"""The distribution of training data in bins, and the index that compares rows with it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from delivery import drift
from feature_engine.selection import DropHighPSIFeatures


def feature(values: Any) -> dict[str, Any]:
    (made,) = drift.describe({"x": values}, "d")["features"]
    found: dict[str, Any] = made
    return found


def test_the_bins_of_a_number_have_about_equally_many_rows() -> None:
    made = feature(np.random.default_rng(1).normal(size=10_000))
    inside = list(made["bins"].values())[1:-2]
    assert len(inside) == drift.NUMBER_BINS
    assert inside == pytest.approx([0.1] * 10, abs=0.001)
    assert next(iter(made["bins"])) == "below" and list(made["bins"])[-2:] == ["above", "missing"]
    assert made["bins"]["below"] == made["bins"]["above"] == 0


def test_equal_values_are_in_one_bin() -> None:
    rain = feature([0.0] * 80 + [0.1] * 10 + [0.5] * 10)
    assert rain["bins"] == {"below": 0, "01 to 0": 0.8, "02 to 0.1": 0.1, "03 to 0.5": 0.1, "above": 0, "missing": 0}
    weekdays = feature([1, 2, 3, 4, 5, 6, 7] * 100)
    assert len(weekdays["edges"]) == 8


def test_the_most_frequent_texts_have_a_bin_each_and_missing_values_are_a_bin() -> None:
    made = feature(["b"] * 3 + ["a"] * 3 + [f"rare {n:02}" for n in range(12)] + [None, None])
    assert made["values"][:3] == ["a", "b", "rare 00"]
    assert made["others"] == ["rare 08", "rare 09", "rare 10", "rare 11"]
    assert made["bins"]["other"] == 0.2 and made["bins"]["missing"] == 0.1 and made["bins"]["unseen"] == 0
    assert feature([1.0, math.nan, None])["bins"]["missing"] == pytest.approx(2 / 3, abs=1e-6)


def test_a_column_without_a_value_is_refused() -> None:
    with pytest.raises(ValueError, match="x has no value in the training data"):
        drift.describe({"x": [None, math.nan]}, "d")


def test_rows_are_counted_in_the_bins_and_outside_them() -> None:
    reference = drift.describe({"age": [0, 5, 10], "dest": ["A", "B", "B"]}, "d")
    counted = drift.count(reference, {"age": [-1, 0, 7, 11, None], "dest": ["A", "C", "C", "B", None]})
    assert counted["age"]["below"] == counted["age"]["above"] == counted["age"]["missing"] == 1
    assert counted["dest"] == {"01 B": 1, "02 A": 1, "other": 0, "unseen": 2, "missing": 1}
    assert (drift.unseen(counted["age"]), drift.unseen(counted["dest"])) == (0, 0.4)


def test_the_index_is_that_of_the_formula() -> None:
    trained = {"a": 0.5, "b": 0.5, "empty": 0.0}
    assert drift.psi({"a": 5, "b": 5, "empty": 0}, trained) == pytest.approx(0)
    expected = 0.3 * math.log(0.8 / 0.5) - 0.3 * math.log(0.2 / 0.5)
    assert drift.psi({"a": 8, "b": 2, "empty": 0}, trained) == pytest.approx(expected)
    # A bin that training never had counts as one row in ten thousand.
    assert drift.psi({"a": 0, "b": 0, "empty": 1}, trained) > 8
    assert math.isnan(drift.psi({"a": 0, "b": 0, "empty": 0}, trained))


def test_the_index_without_drift_is_small_and_about_what_chance_makes() -> None:
    chance = np.random.default_rng(2)
    reference = drift.describe({"x": chance.normal(size=50_000)}, "d")
    trained = reference["features"][0]["bins"]
    found = [drift.psi(drift.count(reference, {"x": chance.normal(size=500)})["x"], trained) for _ in range(50)]
    assert np.mean(found) == pytest.approx(9 / 500, rel=0.3)
    assert max(found) < 0.1


def test_the_usual_index_is_that_of_the_farthest_stretch_of_training() -> None:
    """Two seasons one after the other are each far from both; a day of each in turn is not."""
    seasons = feature([0.0] * 10_000 + [1.0] * 10_000)
    assert seasons["usual"] == pytest.approx(drift.psi({"a": 1, "b": 0}, {"a": 0.5, "b": 0.5}), abs=1e-3)
    assert feature([0.0, 1.0] * 10_000)["usual"] == pytest.approx(0, abs=1e-6)


def test_the_outputs_of_training_are_described_by_tenths() -> None:
    late = np.linspace(0, 1, 5000)
    outputs = drift.describe({"x": late}, "d", drift.deciles(late))["outputs"]
    assert outputs["shares"] == pytest.approx([0.1] * 10, abs=0.001)
    assert outputs["usual"] > 1


@pytest.mark.filterwarnings("ignore:Could not infer format")
@pytest.mark.parametrize("moved", [0.0, 0.3, 1.5])
def test_the_index_is_that_of_a_library(moved: float) -> None:
    """feature_engine computes it from two tables; the bins of the numbers are cut by pandas."""
    chance = np.random.default_rng(3)
    trained = {"x": chance.normal(size=4000), "word": chance.choice(["a", "b", "c"], 4000, p=[0.5, 0.3, 0.2])}
    served = {
        "x": np.clip(chance.normal(moved, size=3000), trained["x"].min(), trained["x"].max()),
        "word": chance.choice(["a", "b", "c"], 3000, p=[0.5 - moved / 5, 0.3, 0.2 + moved / 5]),
    }
    reference = drift.describe(trained, "d")
    counted = drift.count(reference, served)
    _, *upper = reference["features"][0]["edges"]
    tables = []
    for part, rows in (("trained", trained), ("served", served)):
        cut = pd.cut(rows["x"], [-np.inf, *upper]).astype(str)
        tables.append(pd.DataFrame({"x": cut, "word": rows["word"], "part": part}))
    frame = pd.concat(tables, ignore_index=True)
    library = DropHighPSIFeatures(
        split_col="part", cut_off=["trained"], variables=["x", "word"], min_pct_empty_bins=drift.LEAST, threshold=0.25
    ).fit(frame)
    for made in reference["features"]:
        ours = drift.psi(counted[made["name"]], made["bins"])
        assert ours == pytest.approx(library.psi_values_[made["name"]], rel=0.01, abs=1e-4), made["name"]
