"""What the gate does not see: measures of a model on later periods, next to those of the champion on the same rows.

A measure that is clearly worse than the champion's is a rule that the gate lacks. Only a classification has these
measures. The expected calibration error is that of Naeini and others (AAAI 2015), with ten bins of equal width.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BINS = 10
FEWEST = 50
"""Positive rows of a value of a slice at least; with fewer, chance decides."""


@dataclass(frozen=True, slots=True)
class Measure:
    """A measure: by how much a model may be worse than the champion, and the rule that would catch one that is."""

    name: str
    allowed: float
    larger_is_better: bool
    rule: str


MEASURES = (
    Measure("precision", 0.05, True, "a bound for precision: of the warnings, too few are right"),
    Measure("recall", 0.10, True, "a bound for recall on later periods: too few positive rows are found"),
    Measure("auc", 0.02, True, "a bound for the ranking on later periods: the model fits its test period"),
    Measure("calibration error", 0.05, False, "a bound for the calibration: probabilities are not shares"),
    Measure("worst slice", 0.15, True, "a bound for each slice: the model fails for one group"),
)


@dataclass(frozen=True, slots=True)
class BlindSpot:
    """A measure in which a model is worse than the champion by more than is allowed."""

    name: str
    measured: float
    champions: float
    rule: str


def measures(
    actual: NDArray[np.float64],
    probability: NDArray[np.float64],
    threshold: float,
    slices: Sequence[Sequence[object]] = (),
) -> dict[str, float]:
    """The measures by name. `actual` is 0 or 1, shape (rows,); `slices` has a value of each row for each slice.

    `worst slice` is the smallest recall of any value of a slice with at least FEWEST positive rows.
    """
    said, positive = probability >= threshold, actual == 1
    found = {
        "precision": _share(positive, said),
        "recall": _share(said, positive),
        "auc": _auc(positive, probability),
        "calibration error": _calibration_error(actual, probability),
        "worst slice": _share(said, positive),
    }
    for values in slices:
        of = np.asarray([str(value) for value in values])
        for value in np.unique(of):
            here = positive & (of == value)
            if here.sum() >= FEWEST:
                found["worst slice"] = min(found["worst slice"], _share(said, here))
    return found


def blind_spots(model: Mapping[str, float], champion: Mapping[str, float]) -> list[BlindSpot]:
    """The measures in which the model is clearly worse than the champion, in the order of MEASURES."""
    return [
        BlindSpot(one.name, model[one.name], champion[one.name], one.rule)
        for one in MEASURES
        if (champion[one.name] - model[one.name]) * (1 if one.larger_is_better else -1) > one.allowed
    ]


def _share(of: NDArray[np.bool_], among: NDArray[np.bool_]) -> float:
    return float((of & among).sum() / among.sum()) if among.any() else 0.0


def _auc(positive: NDArray[np.bool_], probability: NDArray[np.float64]) -> float:
    """The area under the ROC curve by ranks, where equals have their mean rank (Hanley and McNeil, 1982)."""
    _, at, counts = np.unique(probability, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[at]
    ones, zeros = int(positive.sum()), int((~positive).sum())
    if not ones or not zeros:
        return 0.0
    return float((ranks[positive].sum() - ones * (ones + 1) / 2) / (ones * zeros))


def _calibration_error(actual: NDArray[np.float64], probability: NDArray[np.float64]) -> float:
    bins = np.minimum((probability * BINS).astype(int), BINS - 1)
    sums = [(actual[bins == at].sum(), probability[bins == at].sum()) for at in range(BINS)]
    return float(sum(abs(truth - said) for truth, said in sums) / len(actual))
