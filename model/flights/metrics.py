"""The quality of a set of probabilities, in the metrics that MLflow, the gate and DVC show."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn import metrics as measures

from flights.features import Labels

Probabilities = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Metrics:
    """Quality of a binary classifier. All but auc and brier depend on the threshold."""

    auc: float
    accuracy: float
    precision: float
    recall: float
    f1: float
    brier: float
    """Mean squared error of the probability: 0 is best; a constant 0.5 gets 0.25."""
    late_rate: float
    rows: int
    calibration_error: float
    """Expected calibration error: 0 is best. See `calibration_error`."""


@dataclass(frozen=True, slots=True)
class Confusion:
    """Counts of flights by prediction and truth."""

    true_late: int
    false_late: int
    true_on_time: int
    false_on_time: int


def score(actual: Labels, late: Probabilities, threshold: float) -> Metrics:
    """The metrics of the probabilities of late, shape (rows,). auc is NaN when one class is absent."""
    said = late >= threshold
    return Metrics(
        auc=float(measures.roc_auc_score(actual, late)) if len(np.unique(actual)) == 2 else float("nan"),
        accuracy=float(measures.accuracy_score(actual, said)),
        precision=float(measures.precision_score(actual, said, zero_division=0.0)),
        recall=float(measures.recall_score(actual, said, zero_division=0.0)),
        f1=float(measures.f1_score(actual, said, zero_division=0.0)),
        brier=float(np.mean((late - actual) ** 2)),
        late_rate=float(np.mean(actual)),
        rows=len(actual),
        calibration_error=calibration_error(actual, late),
    )


def calibration_error(actual: Labels, late: Probabilities) -> float:
    """The expected calibration error over tenths of the probability.

    It is the sum over the tenths of (rows in the tenth / rows) * |observed rate - mean probability|, equation 3 of Guo
    and others, On Calibration of Modern Neural Networks, 2017. NaN without rows. The recording rule
    predictor:model_calibration_error:ratio computes the same for production.
    """
    if not len(actual):
        return float("nan")
    tenths = bins(late, 10)
    observed = np.bincount(tenths, actual == 1, minlength=10)
    predicted = np.bincount(tenths, late, minlength=10)
    return float(np.abs(observed - predicted).sum() / len(actual))


def counts(actual: Labels, late: Probabilities, number: int = 100) -> tuple[list[int], list[int]]:
    """Flights on time and flights late, by bin of the probability; `number` bins of equal width.

    Bin i begins at i / number exactly, so the counts at a threshold of i / number are the sums from bin i on.
    """
    at = bins(late, number)
    on_time, were_late = (np.bincount(at[actual == value], minlength=number).tolist() for value in (0, 1))
    return on_time, were_late


def bins(late: Probabilities, number: int) -> NDArray[np.intp]:
    """The bin of each probability, 0 to number - 1; the last one includes 1."""
    return np.searchsorted(np.arange(number) / number, late, side="right") - 1


def confusion(actual: Labels, late: Probabilities, threshold: float) -> Confusion:
    """The four counts at the threshold."""
    said, was = late >= threshold, actual == 1
    return Confusion(
        true_late=int(np.sum(said & was)),
        false_late=int(np.sum(said & ~was)),
        true_on_time=int(np.sum(~said & ~was)),
        false_on_time=int(np.sum(~said & was)),
    )


def roc(actual: Labels, late: Probabilities, points: int = 200) -> list[tuple[float, float, float]]:
    """At most about `points` of (false positive rate, true positive rate, threshold), from (0, 0) to (1, 1)."""
    false_rate, true_rate, thresholds = measures.roc_curve(actual, late)
    keep = np.unique(np.linspace(0, len(thresholds) - 1, min(points, len(thresholds))).astype(int))
    return [(float(false_rate[i]), float(true_rate[i]), float(min(thresholds[i], 1.0))) for i in keep]
