"""Counts the values of served rows in the bins of training: what drift is computed from.

Texts are looked up at once. Numbers wait until there are some hundred rows, because sorting many costs as little as
sorting one; they wait as numbers, so what a caller sends is not kept. The counts lie one after the other in shared
memory, so that they are added by one operation. A worker that is killed loses the counts of its last half second.
"""

from collections import Counter
from collections.abc import Sequence
from itertools import chain
from threading import Lock
from typing import Any

import numpy

from modelserver.families import Writer, set_gauge
from modelserver.reference import Feature, Reference
from modelserver.shared import Labels

ROWS = "model_feature_rows"
SHARES = "model_feature_reference"
OUTPUTS = "model_output_reference"
USUAL = "model_feature_usual_psi"
USUAL_OUTPUT = "model_output_usual_psi"
REFUSED = "model_feature_refused"
ENOUGH_ROWS = 256
"""Rows that wait at most, but for those of one request."""
MANY_TEXTS = 32
HELP = {
    ROWS: "Rows served, by the bin of training that the feature's value is in.",
    SHARES: "Share of the training rows in the bin.",
    OUTPUTS: "Share of the training rows in the decile of the model's output.",
    USUAL: "Largest population stability index of some days of training against all of it.",
    USUAL_OUTPUT: "The same of the model's output.",
    REFUSED: "Requests refused because of a value of the feature.",
}


class FeatureCounts:
    """The counts of one process for one reference. All methods may be called from any thread.

    Raises ``MetricError`` when there is no room for the series.
    """

    def __init__(self, reference: Reference, writer: Writer) -> None:
        data = ("data_version", reference.data_version)
        features = reference.features
        labels: list[Labels] = [
            (("bin", name), data, ("feature", feature.name)) for feature in features for name in feature.bins
        ]
        shares = chain.from_iterable(feature.bins.values() for feature in features)
        self._counts = numpy.asarray(writer.counters(ROWS, labels))
        for own, share in zip(labels, shares, strict=True):
            set_gauge(writer.series(SHARES, "GAUGE", own), share)
        for feature in features:
            set_gauge(writer.series(USUAL, "GAUGE", (data, ("feature", feature.name))), feature.usual)
        for at, share in enumerate(reference.outputs):
            set_gauge(writer.series(OUTPUTS, "GAUGE", (data, ("decile", str(at)))), share)
        if reference.outputs:
            set_gauge(writer.series(USUAL_OUTPUT, "GAUGE", (data,)), reference.usual_output)
        self._refused = {
            feature.name: writer.series(REFUSED, "COUNTER", (("feature", feature.name),)) for feature in features
        }
        self._lock = Lock()
        starts = numpy.cumsum([0, *(len(feature.bins) for feature in features)]).tolist()
        self._numbers = _Numbers([(one, at) for one, at in zip(features, starts, strict=False) if one.edges])
        self._texts = _Texts([(one, at) for one, at in zip(features, starts, strict=False) if not one.edges])
        self._waiting: list[Any] = []
        self._rows = 0
        self._counted = [0] * len(labels)

    def count(self, rows: Any) -> None:
        """Count checked rows: an array of shape (rows, columns), in the order of the model's columns."""
        numbers = self._numbers.of(rows)
        with self._lock:
            self._texts.add(rows, self._counted)
            self._waiting.append(numbers)
            self._rows += len(rows)
            if self._rows >= ENOUGH_ROWS:
                self._flush()

    def flush(self) -> None:
        """Write the counts of the rows that wait."""
        with self._lock:
            if self._rows:
                self._flush()

    def _flush(self) -> None:
        counts = numpy.array(self._counted, numpy.float64)
        self._numbers.add(numpy.concatenate(self._waiting), counts)
        self._waiting, self._rows, self._counted = [], 0, [0] * len(counts)
        self._counts += counts

    def refused(self, name: str) -> None:
        """Count a request that was refused because of a value of a column."""
        numbers = self._refused.get(name)
        if numbers is not None:
            with self._lock:
                numbers[0] += 1


class _Numbers:
    """All features that are numbers, and where the bins of each begin."""

    def __init__(self, features: Sequence[tuple[Feature, int]]) -> None:
        self._at = numpy.array([feature.at for feature, _ in features], numpy.intp)
        # The upper bound of each bin. A value is below training when it is at most the number before the smallest, and
        # above when it is at most infinite.
        self._bounds = [
            numpy.array([numpy.nextafter(feature.edges[0], -numpy.inf), *feature.edges[1:], numpy.inf])
            for feature, _ in features
        ]
        self._starts = [start for _, start in features]

    def of(self, rows: Any) -> Any:
        """The numbers of rows, shape (rows, features)."""
        # None becomes NaN.
        return rows.take(self._at, 1).astype(numpy.float64, copy=False)

    def add(self, numbers: Any, counts: Any) -> None:
        """Add numbers to the counts of all bins."""
        # NaN comes last, after infinity.
        ordered = numpy.sort(numpy.ascontiguousarray(numbers.T), axis=1)
        for values, bounds, start in zip(ordered, self._bounds, self._starts, strict=True):
            at_most = values.searchsorted(bounds, side="right")
            end = start + len(bounds)
            counts[start] = at_most[0]
            counts[start + 1 : end] = at_most[1:] - at_most[:-1]
            counts[end] = len(values) - at_most[-1]


class _Texts:
    """All features that are texts, and the bin of each value."""

    def __init__(self, features: Sequence[tuple[Feature, int]]) -> None:
        self._at = numpy.array([feature.at for feature, _ in features], numpy.intp)
        self._bins: list[tuple[dict[str | None, int], int]] = []
        for feature, start in features:
            other = start + len(feature.values)
            bins: dict[str | None, int] = {None: other + 2, **dict.fromkeys(feature.others, other)}
            bins |= {value: start + at for at, value in enumerate(feature.values)}
            self._bins.append((bins, other + 1))

    def add(self, rows: Any, counts: list[int]) -> None:
        """Add the texts of rows to the counts of all bins."""
        for values, (bins, unseen) in zip(rows.take(self._at, 1).T.tolist(), self._bins, strict=True):
            if len(values) > MANY_TEXTS:
                for value, times in Counter(values).items():
                    counts[bins.get(value, unseen)] += times
            else:
                for value in values:
                    counts[bins.get(value, unseen)] += 1
