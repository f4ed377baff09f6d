"""The quality of a set of predictions, in the metrics that MLflow, the gate, DVC and the dashboards show."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from fuel.export import Values

TENTHS = 10


@dataclass(frozen=True, slots=True)
class Metrics:
    """Quality of a regression, in litres per 100 km; a residual is the prediction minus the truth."""

    rmse: float
    mae: float
    r2: float
    """1 - squared errors / squared errors of predicting the mean of the learning cars for each car.

    It is the out-of-sample R2 of Campbell and Thompson, Review of Financial Studies 21(4), 2008, equation 1. The
    dashboards compute the same in production, where the mean of the future is not known.
    """
    bias: float
    """Mean residual: above 0 the model predicts too much."""
    rows: int


def score(actual: Values, predicted: Values, mean: float) -> Metrics:
    """The metrics of predictions of shape (rows,); `mean` is that of the learning cars. NaN without rows."""
    if not len(actual):
        return Metrics(rmse=math.nan, mae=math.nan, r2=math.nan, bias=math.nan, rows=0)
    residuals = predicted - actual
    squares = float(np.mean(residuals**2))
    return Metrics(
        rmse=squares**0.5,
        mae=float(np.mean(np.abs(residuals))),
        r2=1 - squares / float(np.mean((actual - mean) ** 2)),
        bias=float(np.mean(residuals)),
        rows=len(actual),
    )


def by_slice(cars: pd.DataFrame, names: Iterable[str], actual: Values, predicted: Values, mean: float) -> pd.DataFrame:
    """The metrics of the cars with each value of each slice: columns slice, value, and those of Metrics."""
    rows = [
        {
            "slice": name,
            "value": value if isinstance(value, str) else f"{value:g}",
            **asdict(score(actual[chosen], predicted[chosen], mean)),
        }
        for name in names
        for value in sorted(cars[name].unique().tolist())
        for chosen in [(cars[name] == value).to_numpy()]
    ]
    return pd.DataFrame(rows).round(4)


def edges(values: Values) -> list[float]:
    """The nine values that divide these into tenths of about equally many."""
    found: list[float] = np.quantile(values, np.arange(1, TENTHS) / TENTHS).round(6).tolist()
    return found
