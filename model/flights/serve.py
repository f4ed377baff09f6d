"""Answer rows with the ONNX model: validate them, run the graph, count the predictions.

It needs numpy, onnxruntime and the standard library only, and imports no server; FlightDelay.py is the class that a
server loads. A mistake of the caller is a BadInputError with status_code 400 and a text that names row and column.
Threads may share a model.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from flights import card
from flights.card import CARD, CLASSES, MODEL
from flights.errors import BadInputError
from flights.outcomes import Outcomes

Reader = Callable[[Any], str | float]
Feed = dict[str, NDArray[Any]]
"""The graph's inputs: `words` and `numbers`, a line for each row, with NaN for a missing number."""
_OUTPUTS = ["probabilities"]
_COUNTERS: list[tuple[str, dict[str, str]]] = [
    *(("model_predictions", {"class": said}) for said in CLASSES),
    *(("model_output_decile", {"decile": str(decile)}) for decile in range(10)),
]
_DECILES = 2
"""The position of the first decile among the counters."""
_LATE_WORDS = {"late": 1, "on_time": 0, "1": 1, "0": 0, "1.0": 1, "0.0": 0, "true": 1, "false": 0}


class _RefusedError(Exception):
    """A value that its column does not allow. The caller, which has row and column, makes the text."""


@dataclass(frozen=True, slots=True)
class _Column:
    """A column of the schema: its entry, its position among the raw columns, and the function that reads its values."""

    entry: dict[str, Any]
    at: int
    read: Reader

    @classmethod
    def of(cls, entry: dict[str, Any], at: int) -> _Column:
        return cls(entry, at, _reader(entry))


def _is_word(entry: dict[str, Any]) -> bool:
    return bool(entry["type"] == "string")


class FlightModel:
    """One loaded model: probabilities for rows, and counters of its answers since the last call of `metrics`."""

    def __init__(self, folder: Path) -> None:
        self.card = card.load(folder / CARD)
        options = onnxruntime.SessionOptions()
        # A row takes microseconds, so threads of its own would only compete with the server's workers.
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(str(folder / MODEL), options, providers=["CPUExecutionProvider"])
        # The graph takes text and numbers separately. The columns of each are in the order of the schema.
        self._words = [_Column.of(entry, at) for at, entry in enumerate(self.card.inputs) if _is_word(entry)]
        self._numbers = [_Column.of(entry, at) for at, entry in enumerate(self.card.inputs) if not _is_word(entry)]
        self._words_at = np.array([column.at for column in self._words], dtype=np.intp)
        self._numbers_at = np.array([column.at for column in self._numbers], dtype=np.intp)
        self._names = list(self.card.features)
        self._lock = Lock()
        self._named = False
        self._counts = [0] * len(_COUNTERS)
        words = [column.entry["name"] for column in self._words]
        self._outcomes = Outcomes({words.index(name): (name, values) for name, values in self.card.slices.items()})

    def predict(self, rows: Any, names: Sequence[str] | None = None, checked: bool = False) -> NDArray[np.float64]:
        """The probabilities of on time and late, shape (rows, 2). The rows are counted.

        `rows` is a list of lists or a 2-D array with one raw value for each column. `names` is the order of the
        columns; by default it is that of the schema. `checked` rows are an array of objects that a server has
        validated, in the order of the schema; they are not validated again. Raises BadInputError.
        """
        probabilities = self.answer(self._feed(rows, names, checked))
        late = probabilities[:, 1]
        said = np.bincount(late >= self.card.threshold, minlength=_DECILES)
        # The last decile includes 1.
        deciles = np.bincount(np.minimum((late * 10).astype(np.intp), 9), minlength=10)
        with self._lock:
            for at, count in enumerate((*said.tolist(), *deciles.tolist())):
                self._counts[at] += count
        return probabilities

    def feedback(self, rows: Any, names: Sequence[str] | None, truth: Any, checked: bool = False) -> int:
        """Count predicted against actual for rows with a known truth. Returns the number of rows that were counted.

        The prediction is computed again from the rows, so a caller cannot report a prediction that was never made.
        Truth is one value for each row: 1 or `late`, 0 or `on_time`; or a pair, of which the larger value is the class.
        """
        actual = _truth(truth)
        feed = self._feed(rows, names, checked)
        late = self.answer(feed)[:, 1].tolist()
        if len(late) != len(actual):
            raise BadInputError(f"truth: got {len(actual)} values for {len(late)} rows, allowed: one a row")
        with self._lock:
            self._outcomes.add(late, actual, feed["words"].tolist(), self.card.threshold)
        return len(actual)

    def take_metrics(self) -> list[dict[str, Any]]:
        """The counts since the last call, as Seldon's COUNTERs; a server adds them up and appends _total.

        The first call has every counter, also those that are 0: `increase()` compares with the first value of a series,
        so it would miss the first event of a series that begins with 1. It also has the scores of the test month as
        GAUGEs, for comparison with production.
        """
        with self._lock:
            named, self._named = self._named, True
            counted = [(*counter, count) for counter, count in zip(_COUNTERS, self._counts, strict=True)
                       if count or not named]  # fmt: skip
            self._counts[:] = [0] * len(_COUNTERS)
            counted += self._outcomes.take(every=not named)
        counters = [{"type": "COUNTER", "key": key, "value": count, "tags": dict(tags)} for key, tags, count in counted]
        return counters if named else counters + _reference(self.card.metrics)

    @property
    def inputs(self) -> dict[str, list[str]]:
        """The names of the columns of each input of the graph."""
        kinds = {"words": self._words, "numbers": self._numbers}
        return {kind: [column.entry["name"] for column in columns] for kind, columns in kinds.items()}

    def feed(self, rows: Any, names: Sequence[str] | None) -> Feed:
        """Rows as the graph takes them. Raises BadInputError as `predict` does."""
        table = _table(rows)
        order = self._order(names)
        width = len(self._names)
        for index, row in enumerate(table):
            if not isinstance(row, list) or len(row) != width:
                got = f"{len(row)} values" if isinstance(row, list) else type(row).__name__
                raise BadInputError(f"row {index}: got {got}, allowed: {width}: {', '.join(self._names)}")
        words, numbers = self._words, self._numbers
        try:
            return {
                "words": np.array([[c.read(row[order[c.at]]) for c in words] for row in table], dtype=object),
                "numbers": np.array([[c.read(row[order[c.at]]) for c in numbers] for row in table], np.float32),
            }
        except _RefusedError:
            raise self._first_refusal(table, order) from None

    def answer(self, feed: Feed) -> NDArray[np.float64]:
        """The probabilities of on time and late, shape (rows, 2), without counting."""
        (probabilities,) = self._session.run(_OUTPUTS, feed)
        return np.asarray(probabilities, dtype=np.float64)

    def _feed(self, rows: Any, names: Sequence[str] | None, checked: bool) -> Feed:
        if checked and isinstance(rows, np.ndarray):
            words, numbers = rows.take(self._words_at, 1), rows.take(self._numbers_at, 1)
            # None becomes NaN.
            return {"words": words, "numbers": numbers.astype(np.float32)}
        return self.feed(rows, names)

    def _first_refusal(self, table: list[list[Any]], order: Sequence[int]) -> BadInputError:
        """Find the value that a column refused. Called only after a refusal."""
        for index, row in enumerate(table):
            for column in sorted([*self._words, *self._numbers], key=lambda column: column.at):
                value = row[order[column.at]]
                try:
                    column.read(value)
                except _RefusedError:
                    shown = repr(value) if len(repr(value)) <= 40 else f"{repr(value)[:40]}..."
                    name = column.entry["name"]
                    return BadInputError(f"row {index}, {name}: got {shown}, allowed: {_allowed(column.entry)}")
        raise AssertionError("a value was refused once and not again")

    def _order(self, names: Sequence[str] | None) -> Sequence[int]:
        """The position in a row of each column of the graph."""
        if names is None or len(names) == 0 or list(names) == self._names:
            return range(len(self._names))
        given = [str(name) for name in names]
        faults = {
            "missing": [name for name in self._names if name not in given],
            "unknown": [name for name in given if name not in self._names],
            "twice": sorted({name for name in given if given.count(name) > 1}),
        }
        message = "; ".join(f"{word}: {', '.join(found)}" for word, found in faults.items() if found)
        if message:
            raise BadInputError(f"names: {message}, allowed, in any order: {', '.join(self._names)}")
        return [given.index(name) for name in self._names]


def _reference(scored: Mapping[str, float]) -> list[dict[str, Any]]:
    """The scores of the test month, with the shares predicted late and missed, and the balanced accuracy."""
    known = {name: scored.get(name) for name in ("accuracy", "precision", "recall", "f1", "calibration_error")}
    late, precision, recall = (scored.get(name, 0.0) for name in ("late_rate", "precision", "recall"))
    if precision > 0 and late < 1:
        called = late * recall / precision
        known["positive_share"] = called
        known["missed_share"] = late * (1 - recall)
        known["balanced_accuracy"] = (recall + 1 - (called - late * recall) / (1 - late)) / 2
    return [
        {"type": "GAUGE", "key": "model_reference", "value": value, "tags": {"measure": measure}}
        for measure, value in known.items()
        if value is not None and math.isfinite(value)
    ]


def _table(rows: Any) -> list[Any]:
    if isinstance(rows, np.ndarray):
        # numpy turns a row of text and numbers into text. Only then may a number be text.
        rows = [[_number_from(value) for value in row] for row in rows.tolist()] if _is_text(rows) else rows.tolist()
    if not isinstance(rows, list) or not rows:
        raise BadInputError(f"data: got {type(rows).__name__}, allowed: a list of at least one row")
    return rows


def _is_text(rows: NDArray[Any]) -> bool:
    return rows.dtype.kind == "U" and rows.ndim == 2


def _number_from(text: str) -> str | float:
    try:
        return float(text)
    except ValueError:
        return text


def _allowed(entry: dict[str, Any]) -> str:
    if values := entry.get("enum"):
        words = f"one of {', '.join(values[:20])}" + (f" and {len(values) - 20} more" if len(values) > 20 else "")
    else:
        words = "an integer" if entry["type"] == "integer" else f"a {entry['type']}"
    if "minimum" in entry:
        words += f" from {entry['minimum']:g} to {entry['maximum']:g} {entry['unit']}".rstrip()
    return f"{words} or null" if entry["nullable"] else words


def _reader(entry: dict[str, Any]) -> Reader:
    """The function that converts a value of this column to the graph's input, or refuses it."""
    if entry["type"] == "string":
        allowed = frozenset(entry["enum"]) if "enum" in entry else None

        def read_word(value: Any) -> str:
            if type(value) is not str or (allowed is not None and value not in allowed):
                raise _RefusedError
            return value

        return read_word

    low, high = entry.get("minimum", -math.inf), entry.get("maximum", math.inf)
    whole, nullable = entry["type"] == "integer", entry["nullable"]

    def read_number(value: Any) -> float:
        if (type(value) is int or type(value) is float) and low <= value <= high:
            if whole and value != int(value):
                raise _RefusedError
            return float(value)
        # In an array, NaN is null.
        if nullable and (value is None or (type(value) is float and math.isnan(value))):
            return math.nan
        raise _RefusedError

    return read_number


def _truth(truth: Any) -> list[int]:
    values = truth.tolist() if isinstance(truth, np.ndarray) else truth
    if not isinstance(values, list) or not values:
        raise BadInputError("truth: got nothing, allowed: one value a row: 1 or late, 0 or on_time")
    return [_true_class(row, value) for row, value in enumerate(values)]


def _true_class(row: int, value: Any) -> int:
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, list) and len(value) == 2 and all(isinstance(part, int | float) for part in value):
        return int(value[1] > value[0])
    known = _LATE_WORDS.get(str(value).lower())
    if known is None:
        raise BadInputError(f"truth of row {row}: got {value!r}, allowed: 1 or late, 0 or on_time")
    return known
