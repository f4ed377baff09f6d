"""The quality of a set of predictions, in the metrics that MLflow, the gate, DVC and the dashboards show."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from delivery.tabular.table import Values

TENTHS = 10
HUNDREDTHS = 100


def regression(actual: Values, predicted: Values, mean: float) -> dict[str, float]:
    """rmse, mae, r2, bias and rows of predictions of shape (rows,); `mean` is that of the learning rows.

    bias is the mean residual: above 0 the model predicts too much. r2 is 1 - squared errors / squared errors of
    predicting the mean of the learning rows: the out-of-sample R2 of Campbell and Thompson, Review of Financial Studies
    21(4), 2008, equation 1. The dashboards compute the same in production. NaN without rows.
    """
    if not len(actual):
        return dict.fromkeys(("rmse", "mae", "r2", "bias"), math.nan) | {"rows": 0}
    residuals = predicted - actual
    squares, baseline = float(np.mean(residuals**2)), float(np.mean((actual - mean) ** 2))
    return {
        "rmse": squares**0.5,
        "mae": float(np.mean(np.abs(residuals))),
        "r2": 1 - squares / baseline if baseline else math.nan,
        "bias": float(np.mean(residuals)),
        "rows": len(actual),
    }


def classification(actual: Values, predicted: Values, threshold: float) -> dict[str, float]:
    """auc, accuracy, precision, recall, f1, brier, positive_rate, calibration_error and rows.

    `actual` is 0 or 1 and `predicted` the positive class's probability, both of shape (rows,). calibration_error is the
    expected one over tenths of the probability, equation 3 of Guo and others, On Calibration of Modern Neural Networks,
    2017. auc is NaN when one class is absent.
    """
    from sklearn import metrics

    said = predicted >= threshold
    tenths = np.minimum((predicted * TENTHS).astype(np.intp), TENTHS - 1)
    observed = np.bincount(tenths, actual, minlength=TENTHS)
    expected = np.bincount(tenths, predicted, minlength=TENTHS)
    return {
        "auc": float(metrics.roc_auc_score(actual, predicted)) if len(np.unique(actual)) == 2 else math.nan,
        "accuracy": float(metrics.accuracy_score(actual, said)),
        "precision": float(metrics.precision_score(actual, said, zero_division=0.0)),
        "recall": float(metrics.recall_score(actual, said, zero_division=0.0)),
        "f1": float(metrics.f1_score(actual, said, zero_division=0.0)),
        "brier": float(np.mean((predicted - actual) ** 2)),
        "positive_rate": float(np.mean(actual)),
        "calibration_error": float(np.abs(observed - expected).sum() / len(actual)),
        "rows": len(actual),
    }


def by_slice(rows: pd.DataFrame, names: Iterable[str], quality: Mapping[str, Values], score: object) -> pd.DataFrame:
    """The metrics of the rows with each value of each slice: columns slice, value, and those of `score`.

    `quality` has `actual` and `predicted`; `score` takes both.
    """
    assert callable(score)
    found = [
        {
            "slice": name,
            "value": value if isinstance(value, str) else f"{value:g}",
            **score(quality["actual"][chosen], quality["predicted"][chosen]),
        }
        for name in names
        for value in sorted(rows[name].dropna().unique().tolist())
        for chosen in [(rows[name] == value).to_numpy()]
    ]
    return pd.DataFrame(found).round(4)


def edges(values: Values) -> list[float]:
    """The nine values that divide these into tenths of about equally many."""
    found: list[float] = np.quantile(values, np.arange(1, TENTHS) / TENTHS).round(6).tolist()
    return found


def hundredths(actual: Values, predicted: Values) -> list[list[int]]:
    """Rows of the negative and of the positive class in each hundredth of the probability."""
    at = np.searchsorted(np.arange(HUNDREDTHS) / HUNDREDTHS, predicted, side="right") - 1
    return [np.bincount(at[actual == value], minlength=HUNDREDTHS).tolist() for value in (0, 1)]
