"""The flights model without counters of feedback by probability and by slice."""

from __future__ import annotations

from typing import Any

from FlightDelay import FlightDelay
from flights.outcomes import Outcomes


class _Four(Outcomes):
    """Counts predicted against actual class, and nothing else."""

    def __init__(self) -> None:
        super().__init__({})
        del self._counters[4:]

    def add(self, late: Any, actual: Any, words: Any, threshold: float) -> None:
        for probability, real in zip(late, actual, strict=True):
            at = 2 * (probability >= threshold) + real
            self._counts[at] = self._counts.get(at, 0) + 1


class Unsliced(FlightDelay):
    def load(self) -> None:
        super().load()
        self._model._outcomes = _Four()
