"""What a model counts of its answers and of their truth, under the names of `delivery.counters`.

All series are known when the model is loaded, so their number does not depend on what callers send. Not safe for
several threads: the caller has a lock.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

OTHER = "other"
OVER, UNDER = "over", "under"
"""The side of an error: the prediction is at least the truth, or below it."""
POWERS, SLICE_POWERS = (0, 1, 2, 4), (0, 1, 2)
TENTHS = 10
BINS = 20
"""Bins of the probability. Two of them are a tenth of the calibration, and thresholds of 0.05 are exact."""
_EDGES = [at / BINS for at in range(BINS)]

Values = NDArray[np.float64]
Row = Mapping[str, Any]
Counter = tuple[str, tuple[tuple[str, str], ...]]
"""A counter's name and its tags."""


class BadInputError(ValueError):
    """A mistake of the caller in the form that Seldon's servers expect: a 4xx with a reason and a message."""

    status_code = 400
    reason = "BAD_FEATURES"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Counts(Protocol):
    """The counts of one task."""

    def read_truth(self, truth: Any, rows: int) -> Values:
        """The truth of each row as a number, shape (rows,). Raises BadInputError."""

    def predicted(self, answers: Values) -> None:
        """Count answers, shape (rows,): values, or probabilities of the positive class."""

    def known(self, answers: Values, actual: Values, rows: Sequence[Row]) -> None:
        """Count rows whose truth is known."""

    def take(self) -> list[dict[str, Any]]:
        """The counts since the last call; the first call has all of them, and the scores of the test."""


class _Counted:
    """Sums by counter. A subclass says which counters there are."""

    def __init__(self, card: Mapping[str, Any]) -> None:
        self.card = card
        self.slices = {name: frozenset(values) for name, values in card["slices"].items()}
        self._counts: dict[Counter, float] = dict.fromkeys(self.counters(), 0.0)
        self._named = False

    def counters(self) -> Iterator[Counter]:
        """All counters."""
        raise NotImplementedError

    def gauges(self) -> Iterator[tuple[str, float, dict[str, str]]]:
        """The scores of the test."""
        for name, value in self.card["metrics"].items():
            if name != "rows" and math.isfinite(value):
                yield "model_reference", value, {"measure": name}

    def add(self, name: str, amount: float, *tags: tuple[str, str]) -> None:
        """Add to a counter."""
        self._counts[name, tags] += amount

    def values(self, row: Row) -> Iterator[tuple[tuple[str, str], tuple[str, str]]]:
        """The tags of a row's value of each slice."""
        for name, known in self.slices.items():
            value = str(row[name])
            yield ("slice", name), ("value", value if value in known else OTHER)

    def all_values(self) -> Iterator[tuple[tuple[str, str], tuple[str, str]]]:
        """The tags of each value of each slice."""
        for name, known in self.slices.items():
            for value in (*sorted(known), OTHER):
                yield ("slice", name), ("value", value)

    def take(self) -> list[dict[str, Any]]:
        named, self._named = self._named, True
        taken = [(counter, count) for counter, count in self._counts.items() if count or not named]
        self._counts = dict.fromkeys(self._counts, 0.0)
        found = [{"type": "COUNTER", "key": key, "value": count, "tags": dict(tags)} for (key, tags), count in taken]
        if not named:
            found += [{"type": "GAUGE", "key": key, "value": value, "tags": tags} for key, value, tags in self.gauges()]
        return found


class Regression(_Counted):
    """Predictions by tenth of training; errors by power, side and slice; residuals by tenth of the test."""

    def counters(self) -> Iterator[Counter]:
        yield "model_predictions", (("class", "value"),)
        yield "model_feedback_baseline", ()
        for at in range(TENTHS):
            yield "model_output_decile", (("decile", str(at)),)
            yield "model_feedback_residual", (("decile", str(at)),)
        for side in (OVER, UNDER):
            for power in POWERS:
                yield "model_feedback_error", (("power", str(power)), ("side", side))
            for tags in self.all_values():
                for power in SLICE_POWERS:
                    yield "model_feedback_error_slice", (("power", str(power)), ("side", side), *tags)

    def gauges(self) -> Iterator[tuple[str, float, dict[str, str]]]:
        yield from super().gauges()
        yield "model_target", 1.0, {"target": self.card["target"]}

    def read_truth(self, truth: Any, rows: int) -> Values:
        return np.array([self._number(row, value) for row, value in enumerate(_one_each(truth, rows))])

    def _number(self, row: int, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            allowed = f"a number, in {self.card['target']}"
            raise BadInputError(f"truth of row {row}: got {value!r:.40}, allowed: {allowed}")
        return float(value)

    def predicted(self, answers: Values) -> None:
        tenths = np.bincount(np.searchsorted(self.card["output_edges"], answers), minlength=TENTHS)
        self.add("model_predictions", len(answers), ("class", "value"))
        for at, count in enumerate(tenths.tolist()):
            self.add("model_output_decile", count, ("decile", str(at)))

    def known(self, answers: Values, actual: Values, rows: Sequence[Row]) -> None:
        residuals = answers - actual
        tenths = np.searchsorted(self.card["residual_edges"], residuals)
        self.add("model_feedback_baseline", float(((actual - self.card["mean"]) ** 2).sum()))
        for row, residual, tenth in zip(rows, residuals.tolist(), tenths.tolist(), strict=True):
            self.add("model_feedback_residual", 1, ("decile", str(tenth)))
            side = ("side", OVER if residual >= 0 else UNDER)
            for power in POWERS:
                self.add("model_feedback_error", abs(residual) ** power, ("power", str(power)), side)
            for tags in self.values(row):
                for power in SLICE_POWERS:
                    error = abs(residual) ** power
                    self.add("model_feedback_error_slice", error, ("power", str(power)), side, *tags)


class Classification(_Counted):
    """Predictions by class and tenth; rows with truth by both classes, by probability and by slice."""

    def __init__(self, card: Mapping[str, Any]) -> None:
        self.classes: Sequence[str] = card["outputs"]
        names = {str(number): number for number in (0, 1)} | {name: at for at, name in enumerate(self.classes)}
        self._classes = {**names, "0.0": 0, "1.0": 1, "true": 1, "false": 0}
        super().__init__(card)

    def counters(self) -> Iterator[Counter]:
        for name in self.classes:
            yield "model_predictions", (("class", name),)
        for at in range(TENTHS):
            yield "model_output_decile", (("decile", str(at)),)
        pairs = [(("predicted", said), ("actual", was)) for said in self.classes for was in self.classes]
        for pair in pairs:
            yield "model_feedback", pair
            for tags in self.all_values():
                yield "model_feedback_slice", (*tags, *pair)
        for edge in _EDGES:
            yield "model_feedback_probability", (("bin", f"{edge:.2f}"),)
            for was in self.classes:
                yield "model_feedback_bin", (("bin", f"{edge:.2f}"), ("actual", was))

    def gauges(self) -> Iterator[tuple[str, float, dict[str, str]]]:
        """The metrics, with the shares predicted positive and missed, and the balanced accuracy."""
        yield from super().gauges()
        scored = self.card["metrics"]
        rate, precision, recall = scored["positive_rate"], scored["precision"], scored["recall"]
        if precision > 0 and rate < 1:
            share = rate * recall / precision
            balanced = (recall + 1 - (share - rate * recall) / (1 - rate)) / 2
            found = {"positive_share": share, "missed_share": rate * (1 - recall), "balanced_accuracy": balanced}
            for name, value in found.items():
                yield "model_reference", value, {"measure": name}

    def read_truth(self, truth: Any, rows: int) -> Values:
        return np.array([self._class(row, value) for row, value in enumerate(_one_each(truth, rows))], np.float64)

    def _class(self, row: int, value: Any) -> int:
        if isinstance(value, list) and len(value) == 2 and all(isinstance(part, int | float) for part in value):
            return int(value[1] > value[0])
        known = self._classes.get(str(value), self._classes.get(str(value).lower()))
        if known is None:
            negative, positive = self.classes
            raise BadInputError(f"truth of row {row}: got {value!r:.40}, allowed: 1 or {positive}, 0 or {negative}")
        return known

    def predicted(self, answers: Values) -> None:
        said = np.bincount(answers >= self.card["threshold"], minlength=2)
        tenths = np.bincount(np.minimum((answers * TENTHS).astype(np.intp), TENTHS - 1), minlength=TENTHS)
        for name, count in zip(self.classes, said.tolist(), strict=True):
            self.add("model_predictions", count, ("class", name))
        for at, count in enumerate(tenths.tolist()):
            self.add("model_output_decile", count, ("decile", str(at)))

    def known(self, answers: Values, actual: Values, rows: Sequence[Row]) -> None:
        for row, probability, real in zip(rows, answers.tolist(), actual.astype(int).tolist(), strict=True):
            was = ("actual", self.classes[real])
            said = ("predicted", self.classes[probability >= self.card["threshold"]])
            edge = ("bin", f"{_EDGES[bisect_right(_EDGES, probability) - 1]:.2f}")
            self.add("model_feedback", 1, said, was)
            self.add("model_feedback_bin", 1, edge, was)
            self.add("model_feedback_probability", probability, edge)
            for tags in self.values(row):
                self.add("model_feedback_slice", 1, *tags, said, was)


TASKS: Mapping[str, type[Regression] | type[Classification]] = {
    "classification": Classification,
    "regression": Regression,
}
"""By the task of the model's card."""


def _one_each(truth: Any, rows: int) -> list[Any]:
    """One value for each row; a list of one value is that value. Raises BadInputError."""
    values = truth.tolist() if isinstance(truth, np.ndarray) else truth
    if not isinstance(values, list) or not values:
        raise BadInputError("truth: got nothing, allowed: one value a row")
    if len(values) != rows:
        raise BadInputError(f"truth: got {len(values)} values for {rows} rows, allowed: one a row")
    return [value[0] if isinstance(value, list) and len(value) == 1 else value for value in values]
