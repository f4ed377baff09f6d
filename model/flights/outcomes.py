"""Counters of rows with a known truth: by predicted and actual class, by probability, and by slice.

All series are known when the model is loaded, so their number does not depend on what callers send. The names are those
of `delivery.counters`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence

from flights.card import CLASSES

BINS = 20
"""Bins of the probability. Two of them are a tenth of the calibration, and thresholds of 0.05 are exact."""
OTHER = "other"
_EDGES = [at / BINS for at in range(BINS)]
_NAMES = [f"{edge:.2f}" for edge in _EDGES]
_PAIRS = [(said, actual) for said in CLASSES for actual in CLASSES]

Counter = tuple[str, dict[str, str]]
"""A counter's name and its tags."""


class Outcomes:
    """The counts of one model. `slices` has by position of a text column its name and its values.

    Not safe for several threads: the caller has a lock.
    """

    def __init__(self, slices: Mapping[int, tuple[str, Sequence[str]]]) -> None:
        self._counters: list[Counter] = [
            *(("model_feedback", {"predicted": said, "actual": actual}) for said, actual in _PAIRS),
            *(("model_feedback_bin", {"bin": name, "actual": actual}) for name in _NAMES for actual in CLASSES),
            *(("model_feedback_probability", {"bin": name}) for name in _NAMES),
        ]
        self._probabilities = len(self._counters) - BINS
        self._slices: list[tuple[int, dict[str, int], int]] = []
        for column, (name, values) in slices.items():
            starts = {value: len(self._counters) + len(_PAIRS) * at for at, value in enumerate((*values, OTHER))}
            self._slices.append((column, starts, starts[OTHER]))
            self._counters += [
                ("model_feedback_slice", {"slice": name, "value": value, "predicted": said, "actual": actual})
                for value in starts
                for said, actual in _PAIRS
            ]
        self._counts: dict[int, float] = {}

    def add(
        self, late: Sequence[float], actual: Sequence[int], words: Sequence[Sequence[str]], threshold: float
    ) -> None:
        """Count rows: their probabilities of late, their classes as 0 or 1, and the values of their text columns."""
        counts = self._counts
        for probability, real, texts in zip(late, actual, words, strict=True):
            pair = 2 * (probability >= threshold) + real
            at = bisect_right(_EDGES, probability) - 1
            where = [pair, len(_PAIRS) + 2 * at + real]
            where += [starts.get(texts[column], other) + pair for column, starts, other in self._slices]
            for position in where:
                counts[position] = counts.get(position, 0) + 1
            position = self._probabilities + at
            counts[position] = counts.get(position, 0) + probability

    def take(self, every: bool) -> list[tuple[str, dict[str, str], float]]:
        """The counts since the last call; also those that are 0 with `every`."""
        if not self._counts and not every:
            return []
        counts, self._counts = self._counts, {}
        positions = range(len(self._counters)) if every else counts
        return [(*self._counters[at], counts.get(at, 0)) for at in positions]
