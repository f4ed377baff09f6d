"""Rows are validated, answered exactly and counted once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from FlightDelay import FlightDelay
from flights.errors import BadInputError
from flights.outcomes import Outcomes
from flights.serve import FlightModel


@pytest.fixture
def rows(served: FlightModel) -> list[list[Any]]:
    return served.card.sample.rows


def replaced(served: FlightModel, row: list[Any], **values: Any) -> list[Any]:
    return [values.get(name, value) for name, value in zip(served.card.features, row, strict=True)]


def total(metrics: list[dict[str, Any]], key: str, **tags: str) -> int:
    found = [entry for entry in metrics if entry["key"] == key and tags.items() <= entry["tags"].items()]
    return sum(entry["value"] for entry in found)


def test_the_scores_of_the_test_month_are_exported_once(served: FlightModel) -> None:
    said = {entry["tags"]["measure"]: entry["value"] for entry in served.take_metrics() if entry["type"] == "GAUGE"}
    scored = served.card.metrics
    assert {name: said[name] for name in ("accuracy", "precision", "recall", "f1")} == {
        name: scored[name] for name in ("accuracy", "precision", "recall", "f1")
    }
    # All four cells of the confusion matrix follow from these, so the accuracy follows too.
    late, called, hits = scored["late_rate"], said["positive_share"], scored["late_rate"] * scored["recall"]
    assert hits + 1 - late - (called - hits) == pytest.approx(scored["accuracy"])
    assert said["balanced_accuracy"] == pytest.approx((scored["recall"] + 1 - (called - hits) / (1 - late)) / 2)
    assert said["missed_share"] == pytest.approx(late - hits)
    assert not any(entry["type"] == "GAUGE" for entry in served.take_metrics())


def test_sample_rows_get_the_probability_of_training(served: FlightModel, rows: list[list[Any]]) -> None:
    assert np.abs(served.predict(rows) - served.card.sample.answers).max() < 1e-5


def test_rows_that_numpy_converted_to_text_get_the_same_answer(served: FlightModel, rows: list[list[Any]]) -> None:
    whole = [row for row in rows if None not in row]
    text = np.array(whole)
    assert text.dtype.kind == "U"
    assert np.array_equal(served.predict(text), served.predict(whole))


def test_none_and_nan_are_both_missing(served: FlightModel, rows: list[list[Any]]) -> None:
    none = replaced(served, rows[0], temp=None)
    nan = replaced(served, rows[0], temp=float("nan"))
    assert np.array_equal(served.predict([none]), served.predict(np.array([nan], dtype=object)))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"carrier": "ZZ"}, "row 1, carrier: got 'ZZ', allowed: one of 9E, AA"),
        ({"carrier": 7}, "row 1, carrier: got 7, allowed: one of"),
        ({"carrier": None}, "row 1, carrier: got None, allowed: one of"),
        ({"dest": "nowhere"}, "and 84 more"),
        ({"weekday": 8}, "row 1, weekday: got 8, allowed: an integer from 1 to 7"),
        ({"weekday": 1.5}, "row 1, weekday: got 1.5, allowed: an integer from 1 to 7"),
        ({"weekday": None}, "row 1, weekday: got None, allowed: an integer from 1 to 7"),
        ({"weekday": True}, "row 1, weekday: got True"),
        ({"weekday": "1"}, "row 1, weekday: got '1'"),
        ({"temp": 1e9}, "row 1, temp: got 1000000000.0, allowed: a number from -40 to 130 F or null"),
        ({"temp": float("inf")}, "row 1, temp: got inf"),
        ({"seats": [150]}, "row 1, seats: got [150], allowed: an integer from 1 to 600 or null"),
    ],
)
def test_value_that_is_not_allowed_is_named(
    served: FlightModel, rows: list[list[Any]], values: dict[str, Any], expected: str
) -> None:
    with pytest.raises(BadInputError) as caught:
        served.predict([rows[0], replaced(served, rows[1], **values)])
    assert expected in caught.value.message
    assert caught.value.status_code == 400


@pytest.mark.parametrize("table", [[], "text", None, {"a": 1}, [1, 2], [[]], [[1]]])
def test_a_request_that_is_no_table_is_refused(served: FlightModel, table: Any) -> None:
    with pytest.raises(BadInputError):
        served.predict(table)


def test_names_are_checked_and_all_faults_are_reported(served: FlightModel, rows: list[list[Any]]) -> None:
    names = ["nobody", "weekday", "weekday", *served.card.features[3:]]
    with pytest.raises(BadInputError, match=r"names: missing: sched_dep, sched_arr; unknown: nobody; twice: weekday"):
        served.predict(rows[:1], names)


def test_row_of_another_width_is_named(served: FlightModel, rows: list[list[Any]]) -> None:
    with pytest.raises(BadInputError, match="row 1: got 16 values, allowed: 17: weekday, sched_dep"):
        served.predict([rows[0], rows[1][:-1]])


def test_metrics_are_what_happened_since_last_asked(served: FlightModel, rows: list[list[Any]]) -> None:
    served.predict(rows)
    first = served.take_metrics()
    assert total(first, "model_predictions") == total(first, "model_output_decile") == len(rows)
    assert {entry["type"] for entry in first} == {"COUNTER", "GAUGE"}
    assert served.take_metrics() == []
    served.predict(rows[:1])
    assert total(served.take_metrics(), "model_predictions") == 1


def test_every_counter_is_named_at_0_before_its_first_event(served: FlightModel, rows: list[list[Any]]) -> None:
    named = [entry for entry in served.take_metrics() if entry["type"] == "COUNTER"]
    slices = sum(len(values) + 1 for values in served.card.slices.values())
    assert len(named) == 2 + 10 + 4 + 3 * 20 + 4 * slices
    assert {entry["value"] for entry in named} == {0}
    served.feedback(rows, None, [1] * len(rows))
    known = [(entry["key"], entry["tags"]) for entry in named]
    assert all((entry["key"], entry["tags"]) in known for entry in served.take_metrics())


def test_refused_rows_are_not_counted(served: FlightModel) -> None:
    served.take_metrics()
    with pytest.raises(BadInputError):
        served.predict([[1]])
    assert served.take_metrics() == []


def test_threads_lose_no_count(served: FlightModel, rows: list[list[Any]]) -> None:
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda _: (served.predict(rows[:3]), served.take_metrics())[1], range(200)))
    counted = sum(total(entries, "model_predictions") for entries in [*taken, served.take_metrics()])
    assert counted == 600


def test_feedback_counts_predicted_against_actual(served: FlightModel, rows: list[list[Any]]) -> None:
    late = served.predict(rows)[:, 1] >= served.card.threshold
    served.take_metrics()
    assert served.feedback(rows, None, [1] * len(rows)) == len(rows)
    taken = served.take_metrics()
    assert total(taken, "model_feedback", predicted="late", actual="late") == int(late.sum())
    assert total(taken, "model_feedback", predicted="on_time", actual="late") == int((~late).sum())
    assert total(taken, "model_predictions") == 0


def test_feedback_is_counted_by_probability_and_actual_class(served: FlightModel, rows: list[list[Any]]) -> None:
    late = served.predict(rows)[:, 1]
    actual = [at % 2 for at in range(len(rows))]
    served.take_metrics()
    served.feedback(rows, None, actual)
    taken = served.take_metrics()
    at = np.searchsorted(np.arange(20) / 20, late, side="right") - 1
    for bin_ in range(20):
        name, real = f"{bin_ / 20:.2f}", np.array(actual)[at == bin_]
        assert total(taken, "model_feedback_bin", bin=name, actual="late") == real.sum()
        assert total(taken, "model_feedback_bin", bin=name, actual="on_time") == len(real) - real.sum()
        assert total(taken, "model_feedback_probability", bin=name) == pytest.approx(late[at == bin_].sum())


def test_feedback_is_counted_by_the_values_of_the_slices(served: FlightModel, rows: list[list[Any]]) -> None:
    served.take_metrics()
    served.feedback(rows, None, [1] * len(rows))
    taken = served.take_metrics()
    for name in ("carrier", "origin"):
        values = [row[served.card.features.index(name)] for row in rows]
        for value in set(values):
            counted = total(taken, "model_feedback_slice", slice=name, value=value, actual="late")
            assert counted == values.count(value)


def test_a_value_that_training_did_not_have_is_counted_as_other() -> None:
    outcomes = Outcomes({0: ("carrier", ["AA", "UA"])})
    outcomes.add([0.9, 0.9, 0.9], [1, 1, 1], [["UA"], ["ZZ"], ["YY"]], 0.3)
    taken = [tags["value"] for key, tags, _ in outcomes.take(every=False) if key == "model_feedback_slice"]
    assert taken == ["UA", "other"]


def test_the_number_of_counters_does_not_depend_on_what_is_sent(served: FlightModel, rows: list[list[Any]]) -> None:
    def series() -> set[str]:
        return {f"{entry['key']} {entry['tags']}" for entry in served.take_metrics() if entry["type"] == "COUNTER"}

    known = series()
    served.predict(rows)
    served.feedback(rows, None, [0] * len(rows))
    assert series() <= known
    assert len(known) < 300


def test_refused_feedback_counts_nothing(served: FlightModel, rows: list[list[Any]]) -> None:
    served.take_metrics()
    for truth in ([1, 0], ["maybe"] * len(rows)):
        with pytest.raises(BadInputError):
            served.feedback(rows, None, truth)
    assert served.take_metrics() == []


def test_the_calibration_error_of_the_test_is_shown(served: FlightModel) -> None:
    known = {entry["tags"].get("measure"): entry["value"] for entry in served.take_metrics()}
    assert known["calibration_error"] == served.card.metrics["calibration_error"]


@pytest.mark.parametrize("truth", [[1], ["late"], [[1.0]], [[0.2, 0.8]], np.array([[1.0]]), [True]])
def test_truth_has_several_forms(served: FlightModel, rows: list[list[Any]], truth: Any) -> None:
    served.feedback(rows[:1], None, truth)
    assert total(served.take_metrics(), "model_feedback", actual="late") == 1


@pytest.mark.parametrize("truth", [["maybe"], [2], [None], [1, 0], []])
def test_other_truth_is_refused(served: FlightModel, rows: list[list[Any]], truth: Any) -> None:
    with pytest.raises(BadInputError, match="truth"):
        served.feedback(rows[:1], None, truth)


@pytest.fixture
def seldon(small_model: Path) -> FlightDelay:
    model = FlightDelay(model_dir=str(small_model))
    model.load()
    return model


def test_class_answers_every_method_a_server_calls(seldon: FlightDelay, rows: list[list[Any]]) -> None:
    assert seldon.predict(rows, seldon._model.card.features, meta={}).shape == (len(rows), 2)
    assert seldon.class_names == ["on_time", "late"]
    assert seldon.send_feedback(rows[:1], [], 1.0, [1], routing=None) == []
    assert seldon.send_feedback(rows[:1], [], 1.0, None) == []
    assert total(seldon.metrics(), "model_feedback") == 1
    assert seldon.tags()["candidate"] == "boosted"
    assert seldon.health_status().endswith("is ready")
    assert [entry["name"] for entry in seldon.input_schema()] == list(seldon._model.card.features)


def test_metadata_has_only_what_the_stock_wrapper_accepts(seldon: FlightDelay) -> None:
    metadata = seldon.init_metadata()
    assert set(metadata) == {"name", "versions", "platform", "inputs", "outputs", "custom"}
    for side in (*metadata["inputs"], *metadata["outputs"]):
        assert set(side) == {"messagetype", "schema"}
        assert set(side["schema"]) == {"names", "shape"}
    assert all(isinstance(value, str) for value in metadata["custom"].values())


def test_stock_wrapper_gets_its_own_exception(seldon: FlightDelay, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys
    from types import ModuleType

    class SeldonMicroserviceException(Exception):
        def __init__(self, message: str, status_code: int, reason: str) -> None:
            self.message, self.status_code, self.reason = message, status_code, reason

    wrapper = ModuleType("seldon_core.flask_utils")
    wrapper.SeldonMicroserviceException = SeldonMicroserviceException  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "seldon_core.flask_utils", wrapper)
    with pytest.raises(SeldonMicroserviceException) as caught:
        seldon.predict([[1]])
    assert (caught.value.status_code, caught.value.reason) == (400, "BAD_FEATURES")


def test_a_missing_model_is_an_error_with_the_next_command(tmp_path: Path) -> None:
    with pytest.raises(Exception, match=r"model\.json is not there, next: dvc repro"):
        FlightDelay(model_dir=str(tmp_path)).load()
