"""How good a predictor is by the rows whose truth is known: one class for each task of a use case.

A classification is measured by balanced accuracy (Brodersen et al., The Balanced Accuracy and Its Posterior
Distribution, ICPR 2010): a model that never finds the rare class is right for most rows. A regression is measured by
the root mean squared error; two are compared by their mean squared errors, whose variance follows from the sum of
fourth powers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, Self

from delivery.statistics import mean_above, shares_below
from delivery.usecase import CLASSIFICATION, REGRESSION

NEGATIVE, POSITIVE = 0, 1
Outcome = tuple[int, int]
"""Predicted and actual class of a row."""


class Quality(Protocol):
    """The known rows of one predictor."""

    @property
    def known(self) -> int:
        """Rows whose truth is known."""

    @property
    def fewest(self) -> int:
        """Rows of the smallest group that a comparison rests on."""

    @property
    def value(self) -> float:
        """The measure; 0 without rows."""

    @property
    def group(self) -> str:
        """What `fewest` counts, in words."""

    def text(self, champion: Self, margin: float) -> str:
        """Both values and what is allowed, in words."""

    def bound(self, champion: Self, margin: float) -> float:
        """The bound for a canary of this champion."""

    def p_worse(self, champion: Self, margin: float) -> float:
        """The p-value of: this is not worse than the champion by more than the margin. Small means worse."""

    def plus(self, labels: Mapping[str, str], amount: float, classes: Sequence[str]) -> Self:
        """This and the amount that one series of the counter grew by."""

    def figures(self) -> dict[str, Any]:
        """The measures by name, for a table; None where there are no rows."""


@dataclass(frozen=True, slots=True)
class Confusion:
    """Rows of a classification by predicted and actual class. The margin is of balanced accuracy, 0 to 1."""

    outcomes: Mapping[Outcome, int] = field(default_factory=dict)
    group = "known rows of each class"

    def rate(self, actual: int) -> tuple[int, int]:
        """Of the rows that really were of this class: how many were predicted so, and how many there are."""
        right = self.outcomes.get((actual, actual), 0)
        return right, right + self.outcomes.get((1 - actual, actual), 0)

    @property
    def known(self) -> int:
        """Rows whose truth is known."""
        return sum(self.outcomes.values())

    @property
    def fewest(self) -> int:
        """Known rows of the rarer class."""
        return min(rows for _, rows in self._rates())

    @property
    def value(self) -> float:
        """Balanced accuracy: the mean of both classes' shares predicted right; 0 for a class without rows."""
        return sum(right / rows if rows else 0.0 for right, rows in self._rates()) / 2

    def text(self, champion: Confusion, margin: float) -> str:
        """Both values and what is allowed, in words."""
        return (
            f"balanced accuracy {self.value:.3f}, the champion's {champion.value:.3f}, allowed {margin:.3f} less "
            f"({self.known} and {champion.known} known rows)"
        )

    def bound(self, champion: Confusion, margin: float) -> float:
        """The balanced accuracy that is still allowed."""
        return champion.value - margin

    def p_worse(self, champion: Confusion, margin: float) -> float:
        """The p-value of: balanced accuracy is at least the champion's minus the margin."""
        return shares_below(self._rates(), champion._rates(), margin)

    def plus(self, labels: Mapping[str, str], amount: float, classes: Sequence[str]) -> Confusion:
        """This and the rows of one series."""
        key = (classes.index(labels["predicted"]), classes.index(labels["actual"]))
        return Confusion({**self.outcomes, key: self.outcomes.get(key, 0) + round(amount)})

    def figures(self) -> dict[str, Any]:
        """Known rows, balanced accuracy, and recall and precision of the positive class."""
        predicted = sum(count for (said, _), count in self.outcomes.items() if said == POSITIVE)
        found, positive = self.rate(POSITIVE)
        return {
            "known": self.known,
            "balanced_accuracy": round(self.value, 4) if self.known else None,
            "recall": round(found / positive, 4) if positive else None,
            "precision": round(found / predicted, 4) if predicted else None,
        }

    def _rates(self) -> list[tuple[int, int]]:
        return [self.rate(NEGATIVE), self.rate(POSITIVE)]


@dataclass(frozen=True, slots=True)
class Errors:
    """Rows of a regression: how many, and the sums of their errors, of the squares and of the fourth powers.

    The margin is a share of the champion's root mean squared error: 0.01 allows 1 % more.
    """

    rows: float = 0.0
    absolute: float = 0.0
    squares: float = 0.0
    fourths: float = 0.0
    group = "known rows"

    @property
    def known(self) -> int:
        """Rows whose truth is known."""
        return round(self.rows)

    @property
    def fewest(self) -> int:
        """Rows whose truth is known."""
        return self.known

    @property
    def value(self) -> float:
        """The root mean squared error, in the unit of the target; 0 without rows."""
        return math.sqrt(self.squares / self.rows) if self.rows else 0.0

    def text(self, champion: Errors, margin: float) -> str:
        """Both values and what is allowed, in words."""
        return (
            f"root mean squared error {self.value:.4g}, the champion's {champion.value:.4g}, allowed {margin:.1%} more "
            f"({self.known} and {champion.known} known rows)"
        )

    def bound(self, champion: Errors, margin: float) -> float:
        """The root mean squared error that is still allowed."""
        return champion.value * (1 + margin)

    def p_worse(self, champion: Errors, margin: float) -> float:
        """The p-value of: the mean squared error is at most the champion's times (1 + margin) squared."""
        return mean_above(self._squared(), champion._squared(), (1 + margin) ** 2)

    def plus(self, labels: Mapping[str, str], amount: float, classes: Sequence[str]) -> Errors:
        """This and what one series grew by; its label `power` says which sum it is."""
        name = {"0": "rows", "1": "absolute", "2": "squares", "4": "fourths"}[labels["power"]]
        return replace(self, **{name: getattr(self, name) + amount})

    def figures(self) -> dict[str, Any]:
        """Known rows, the root mean squared error and the mean absolute error."""
        return {
            "known": self.known,
            "rmse": round(self.value, 4) if self.rows else None,
            "mae": round(self.absolute / self.rows, 4) if self.rows else None,
        }

    def _squared(self) -> tuple[float, float, int]:
        n = self.known
        return (self.squares / n, self.fourths / n, n) if n else (0.0, 0.0, 0)


NOTHING_KNOWN: Mapping[str, Quality] = {CLASSIFICATION: Confusion(), REGRESSION: Errors()}
"""The quality of a predictor without a row whose truth is known, by task."""
