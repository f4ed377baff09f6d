"""Answer rows with the ONNX model, and count its answers and its errors under the names of `delivery.counters`.

It needs numpy, onnxruntime and the standard library only, and imports no server. Threads may share a model.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from fuel import card
from fuel.card import MODEL

OTHER = "other"
OVER, UNDER = "over", "under"
"""The side of an error: the prediction is at least the truth, or below it."""
POWERS, SLICE_POWERS = (0, 1, 2, 4), (0, 1, 2)
Values = NDArray[np.float64]
Counter = tuple[str, tuple[tuple[str, str], ...]]
"""A counter's name and its tags."""


class BadInputError(ValueError):
    """A mistake of the caller in the form that Seldon's servers expect: a 4xx with a reason and a message."""

    status_code = 400
    reason = "BAD_FEATURES"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class FuelModel:
    """One loaded model: the consumption of cars, and counters since the last call of `take_metrics`."""

    def __init__(self, folder: Path) -> None:
        self.card = card.load(folder)
        options = onnxruntime.SessionOptions()
        # A row takes microseconds, so threads of its own would only compete with the server's workers.
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(str(folder / MODEL), options, providers=["CPUExecutionProvider"])
        self.names = [entry["name"] for entry in self.card.inputs]
        is_word = [entry["type"] == "string" for entry in self.card.inputs]
        self._words, self._numbers = np.flatnonzero(is_word), np.flatnonzero(np.logical_not(is_word))
        self._slices = [(self.names.index(name), name, frozenset(known)) for name, known in self.card.slices.items()]
        self._lock = Lock()
        self._counts: dict[Counter, float] = dict.fromkeys(self._counters(), 0.0)
        self._named = False

    def predict(self, rows: NDArray[Any]) -> Values:
        """The consumption of each row, shape (rows,), in litres per 100 km. The rows are counted.

        `rows` is an array of objects of shape (rows, columns) that a server has checked against the schema.
        """
        values = self._answer(rows)
        tenths = np.bincount(np.searchsorted(self.card.output_edges, values), minlength=10)
        with self._lock:
            self._counts[_counter("model_predictions", ("class", "value"))] += len(values)
            for at, count in enumerate(tenths.tolist()):
                self._counts[_counter("model_output_decile", ("decile", str(at)))] += count
        return values

    def feedback(self, rows: NDArray[Any], truth: Any) -> None:
        """Count the errors of rows with a known consumption; the prediction is computed again from the rows.

        `truth` is one number for each row. Raises BadInputError.
        """
        actual = _numbers(truth)
        if len(actual) != len(rows):
            raise BadInputError(f"truth: got {len(actual)} values for {len(rows)} rows, allowed: one a row")
        residuals = self._answer(rows) - actual
        tenths = np.searchsorted(self.card.residual_edges, residuals)
        with self._lock:
            self._counts[_counter("model_feedback_baseline")] += float(((actual - self.card.mean) ** 2).sum())
            for row, residual, tenth in zip(rows.tolist(), residuals.tolist(), tenths.tolist(), strict=True):
                self._counts[_counter("model_feedback_residual", ("decile", str(tenth)))] += 1
                side = ("side", OVER if residual >= 0 else UNDER)
                for power in POWERS:
                    self._counts[_counter("model_feedback_error", ("power", str(power)), side)] += (
                        abs(residual) ** power
                    )
                for at, name, known in self._slices:
                    value = str(row[at]) if str(row[at]) in known else OTHER
                    for power in SLICE_POWERS:
                        tags = ("power", str(power)), side, ("slice", name), ("value", value)
                        self._counts[_counter("model_feedback_error_slice", *tags)] += abs(residual) ** power

    def take_metrics(self) -> list[dict[str, Any]]:
        """The counts since the last call, as Seldon's COUNTERs; a server adds them up and appends _total.

        The first call has every counter, also those that are 0: `increase()` compares with the first value of a series.
        It also has the scores of the test as GAUGEs, for comparison with production.
        """
        with self._lock:
            named, self._named = self._named, True
            taken = [(counter, count) for counter, count in self._counts.items() if count or not named]
            self._counts = dict.fromkeys(self._counts, 0.0)
        found = [{"type": "COUNTER", "key": key, "value": count, "tags": dict(tags)} for (key, tags), count in taken]
        return found if named else found + self._reference()

    def _reference(self) -> list[dict[str, Any]]:
        scores = {name: value for name, value in self.card.metrics.items() if name != "rows" and math.isfinite(value)}
        gauges = [("model_reference", value, {"measure": name}) for name, value in scores.items()]
        gauges.append(("model_target", 1.0, {"target": self.card.target}))
        return [{"type": "GAUGE", "key": key, "value": value, "tags": tags} for key, value, tags in gauges]

    def _counters(self) -> Iterable[Counter]:
        """All counters, so that their number is that of training, whatever callers send."""
        yield _counter("model_predictions", ("class", "value"))
        yield _counter("model_feedback_baseline")
        for at in range(10):
            yield _counter("model_output_decile", ("decile", str(at)))
            yield _counter("model_feedback_residual", ("decile", str(at)))
        for side in (OVER, UNDER):
            for power in POWERS:
                yield _counter("model_feedback_error", ("power", str(power)), ("side", side))
            for _, name, known in self._slices:
                for value in (*sorted(known), OTHER):
                    for power in SLICE_POWERS:
                        tags = ("power", str(power)), ("side", side), ("slice", name), ("value", value)
                        yield _counter("model_feedback_error_slice", *tags)

    def _answer(self, rows: NDArray[Any]) -> Values:
        # None becomes NaN.
        feed = {"words": rows.take(self._words, 1), "numbers": rows.take(self._numbers, 1).astype(np.float32)}
        (values,) = self._session.run(None, feed)
        return np.asarray(values, dtype=np.float64).reshape(-1)


def _counter(name: str, *tags: tuple[str, str]) -> Counter:
    return name, tags


def _numbers(truth: Any) -> Values:
    """One finite number for each row. Raises BadInputError."""
    values = truth.tolist() if isinstance(truth, np.ndarray) else truth
    if not isinstance(values, list) or not values:
        raise BadInputError("truth: got nothing, allowed: one number a row, in litres per 100 km")
    found = []
    for row, given in enumerate(values):
        value = given[0] if isinstance(given, list) and len(given) == 1 else given
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
            raise BadInputError(
                f"truth of row {row}: got {value!r:.40}, allowed: a number above 0, in litres per 100 km"
            )
        found.append(float(value))
    return np.array(found)
