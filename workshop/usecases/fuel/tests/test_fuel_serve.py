"""The served class: its answers, its counters, and what it refuses."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from delivery.tabular import card
from fuel.counts import BadInputError
from FuelConsumption import FuelConsumption

NAMES = ["cylinders", "displacement", "horsepower", "weight", "acceleration", "year", "origin"]
GOLF = [4, 1457, 71, 828, 12.2, 1978, "Europe"]


@pytest.fixture
def served(trained: Path) -> FuelConsumption:
    model = FuelConsumption(str(trained))
    model.load()
    model.rows_are_checked = True
    return model


def rows(*given: list[Any]) -> Any:
    return np.array(given, dtype=object)


def counted(model: FuelConsumption) -> dict[tuple[Any, ...], float]:
    return {(one["key"], *sorted(one["tags"].items())): one["value"] for one in model.metrics() if one["value"]}


def total(found: dict[tuple[Any, ...], float], key: str, **tags: str) -> float:
    return sum(value for (name, *own), value in found.items() if name == key and tags.items() <= dict(own).items())


def keys(metrics: Iterable[dict[str, Any]]) -> set[tuple[Any, ...]]:
    return {(one["key"], *sorted(one["tags"].items())) for one in metrics}


def test_sample_rows_get_the_answers_of_training(served: FuelConsumption, trained: Path) -> None:
    sample = card.of(trained).sample
    assert served.predict(rows(*sample["rows"])) == pytest.approx(np.array(sample["answers"]), rel=1e-5)


def test_a_car_without_a_known_power_is_answered(served: FuelConsumption) -> None:
    (answer,) = served.predict(rows([*GOLF[:2], None, *GOLF[3:]]))
    assert 4 < answer[0] < 12


def test_the_first_call_has_every_counter_and_the_scores_of_the_test(served: FuelConsumption) -> None:
    first = served.metrics()
    assert {one["tags"]["measure"] for one in first if one["key"] == "model_reference"} == {"rmse", "mae", "r2", "bias"}
    assert [one["tags"] for one in first if one["key"] == "model_target"] == [{"target": "litres per 100 km"}]
    served.predict(rows(GOLF))
    served.send_feedback(rows(GOLF, GOLF), NAMES, 0.0, np.array([[8.0], [9.0]]))
    assert keys(served.metrics()) < keys(first)
    assert served.metrics() == []


def test_predictions_are_counted_by_tenths_of_training(served: FuelConsumption) -> None:
    served.metrics()
    served.predict(rows(GOLF, GOLF, [8, 7000, 200, 2200, 10, 1970, "USA"]))
    found = counted(served)
    assert total(found, "model_predictions") == total(found, "model_output_decile") == 3
    assert total(found, "model_output_decile", decile="9") == 1


def test_errors_are_counted_by_power_and_side(served: FuelConsumption) -> None:
    (litres,) = served.predict(rows(GOLF))[0]
    served.metrics()
    served.send_feedback(rows(GOLF, GOLF), NAMES, 0.0, [[litres - 2.0], [litres + 3.0]])
    found = counted(served)
    for side, error in (("over", 2.0), ("under", 3.0)):
        for power in (0, 1, 2, 4):
            assert total(found, "model_feedback_error", side=side, power=str(power)) == pytest.approx(error**power)
    assert total(found, "model_feedback_residual") == 2
    mean = served._model.card["mean"]
    baseline = (litres - 2 - mean) ** 2 + (litres + 3 - mean) ** 2
    assert total(found, "model_feedback_baseline") == pytest.approx(baseline)


def test_errors_are_counted_by_slice_and_rare_values_are_other(served: FuelConsumption) -> None:
    (litres,) = served.predict(rows(GOLF))[0]
    rare = [12, *GOLF[1:]]
    served.send_feedback(rows(GOLF, rare), NAMES, 0.0, [litres - 1.0, 5.0])
    found = counted(served)
    name = "model_feedback_error_slice"
    assert total(found, name, slice="origin", value="Europe", power="0") == 2
    assert total(found, name, slice="cylinders", value="4", power="2", side="over") == pytest.approx(1.0)
    assert total(found, name, slice="cylinders", value="other", power="0") == 1


@pytest.mark.parametrize(
    ("truth", "message"),
    [
        (["much"], "truth of row 0: got 'much', allowed: a number, in litres per 100 km"),
        ([[True]], "truth of row 0: got True"),
        ([float("nan")], "truth of row 0: got nan"),
        ([float("inf")], "truth of row 0: got inf"),
        ([7.0, 8.0], "truth: got 2 values for 1 rows, allowed: one a row"),
        ([[7.0, 8.0]], "truth of row 0: got"),
        ("7", "truth: got nothing, allowed: one value a row"),
    ],
)
def test_a_truth_that_is_no_consumption_is_refused(served: FuelConsumption, truth: Any, message: str) -> None:
    served.metrics()
    with pytest.raises(BadInputError, match=message) as raised:
        served.send_feedback(rows(GOLF), NAMES, 0.0, truth)
    assert raised.value.status_code == 400
    assert served.metrics() == []


def test_a_request_without_truth_counts_nothing(served: FuelConsumption) -> None:
    served.metrics()
    assert served.send_feedback(rows(GOLF), NAMES, 1.0, None) == []
    assert served.metrics() == []


def test_a_server_that_does_not_check_rows_gets_no_answer(trained: Path) -> None:
    with pytest.raises(RuntimeError, match="MODEL_SERVER=modelserver"):
        FuelConsumption(str(trained)).predict(rows(GOLF))


def test_metadata_names_the_columns_and_the_unit(served: FuelConsumption) -> None:
    found = served.init_metadata()
    assert found["inputs"][0]["schema"]["names"] == NAMES
    assert found["custom"]["unit"] == "litres per 100 km"
    assert [one["name"] for one in served.input_schema()] == NAMES
