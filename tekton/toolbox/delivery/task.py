"""What differs between a classification and a regression where predictions meet their truth: one object for each task.

Their quality is in quality.py, which compares it by statistics and so takes longer to import.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from delivery import counters
from delivery.usecase import CLASSIFICATION, REGRESSION


class Task(Protocol):
    """A kind of prediction.

    `predicted` and `error` of several rows are sums: of a classification, rows predicted positive and rows wrong; of a
    regression, values and absolute errors.
    """

    counter: str
    """The counter of the rows whose truth is known."""

    def predicted(self, answer: float, threshold: float) -> float:
        """What a row's last output predicts: the class as 0 or 1, or the value."""

    def truth(self, value: float) -> float:
        """The truth of a row as a server takes it."""

    def reward(self, error: float, rows: int) -> Mapping[str, float]:
        """The reward in feedback; a regression has none."""

    def figures(self, predicted: float | None, error: float | None) -> dict[str, float | None]:
        """The means of the rows by name; None without rows."""

    def text(self, figures: Mapping[str, Any], positive: str) -> str:
        """The same in words; `positive` is the positive class."""


class _Classification:
    counter = counters.OUTCOMES

    def predicted(self, answer: float, threshold: float) -> float:
        return float(answer >= threshold)

    def truth(self, value: float) -> float:
        return int(value)

    def reward(self, error: float, rows: int) -> Mapping[str, float]:
        return {"reward": 1 - error / rows}

    def figures(self, predicted: float | None, error: float | None) -> dict[str, float | None]:
        return {"positive": predicted, "right": None if error is None else round(1 - error, 4)}

    def text(self, figures: Mapping[str, Any], positive: str) -> str:
        return f"{figures['positive']:.1%} predicted {positive}, {figures['right']:.1%} right"


class _Regression:
    counter = counters.ERRORS

    def predicted(self, answer: float, threshold: float) -> float:
        return answer

    def truth(self, value: float) -> float:
        return value

    def reward(self, error: float, rows: int) -> Mapping[str, float]:
        return {}

    def figures(self, predicted: float | None, error: float | None) -> dict[str, float | None]:
        return {"mean_absolute_error": error}

    def text(self, figures: Mapping[str, Any], positive: str) -> str:
        return f"mean absolute error {figures['mean_absolute_error']:g}"


TASKS: Mapping[str, Task] = {CLASSIFICATION: _Classification(), REGRESSION: _Regression()}
"""By the name of the task in usecase.yaml."""
