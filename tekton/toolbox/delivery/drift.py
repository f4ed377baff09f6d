"""How far data has moved from the training data: a reference made at training, and the index that compares with it.

Training calls `describe` and writes the result into model.json. The model server counts what it serves in the same
bins; `count` does it for rows of a file. The recording rules in grafana/alerts/rules.yaml and `psi` compute the same
numbers.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

NUMBER_BINS = 10
"""Bins of a number, each with about as many training rows. Equal values are in one bin, so there may be fewer."""
TEXT_BINS = 10
"""The most frequent values of a text have a bin each; the others share one."""
STRETCH = 2000
"""Rows of training that follow each other and are compared with all of them: see `usual`."""
LEAST = 0.0001
"""An empty bin counts as this share, because the logarithm of 0 is infinite. feature_engine uses the same value."""
BELOW, ABOVE, MISSING, OTHER, UNSEEN = "below", "above", "missing", "other", "unseen"
DECILES = 10

Reference = dict[str, Any]
"""What `training_reference()` of a model returns: s2i/server/modelserver/reference.py describes it."""
Values = Sequence[Any] | NDArray[Any]
Rows = Mapping[str, Values]
"""The values of some rows by column. A missing value is None, or NaN in an array of numbers."""


def describe(
    rows: Rows, data_version: str, outputs: Sequence[int] | NDArray[np.intp] = (), *, stretch: int = STRETCH
) -> Reference:
    """The reference of training rows, oldest first: the bins of each column, and the share of the rows in each.

    A column is a text when its first value that is not missing is one. `outputs` are the deciles of the model's answers
    to these rows. `stretch` is for `usual`: less where callers send few different rows, which are farther from training
    by chance. Raises ValueError when a column has no value.
    """
    features = [_feature(name, values, stretch) for name, values in rows.items()]
    made: Reference = {"data_version": data_version, "features": features}
    if len(outputs):
        shares = np.bincount(outputs, minlength=DECILES) / len(outputs)
        made["outputs"] = {"shares": shares.round(6).tolist(), "usual": usual(np.asarray(outputs), DECILES, stretch)}
    return made


def _feature(name: str, values: Values, stretch: int) -> dict[str, Any]:
    first = next((value for value in values if not _is_missing(value)), None)
    if first is None:
        raise ValueError(f"{name} has no value in the training data")
    made = _text(values) if isinstance(first, str) else _number(_floats(values))
    at, names = bins(made, values), list(made["bins"])
    shares = np.bincount(at, minlength=len(names)) / len(at)
    trained = dict(zip(names, shares.round(6).tolist(), strict=True))
    return {"name": name, **made, "bins": trained, "usual": usual(at, len(names), stretch)}


def usual(bins: NDArray[np.intp], count: int, stretch: int = STRETCH) -> float:
    """The largest index of `stretch` rows of training that follow each other, against all of them.

    The weather of some days is never that of half a year. What is served is compared with this, so that it has drifted
    when it is farther from training than training itself ever was. `bins` are the bins of the rows, oldest first.
    """
    size = max(1, min(stretch, len(bins) // 2))
    starts = range(0, len(bins) - size + 1, max(1, size // 2))
    whole = np.bincount(bins, minlength=count) / len(bins)
    names = [str(at) for at in range(count)]
    trained = dict(zip(names, whole.tolist(), strict=True))
    stretches = (np.bincount(bins[start : start + size], minlength=count).tolist() for start in starts)
    return round(max(psi(dict(zip(names, stretch, strict=True)), trained) for stretch in stretches), 6)


def _number(values: NDArray[np.float64]) -> dict[str, Any]:
    known = values[~np.isnan(values)]
    steps = np.linspace(0, 1, NUMBER_BINS + 1)
    # A quantile that is a value of the data, so that equal values are in one bin.
    edges = np.unique(np.quantile(known, steps, method="inverted_cdf"))
    # The first upper bound may be the smallest value: then its bin has that value alone.
    low = float(known.min())
    upper = [float(edge) for edge in edges if edge > low or (known == low).mean() >= 1 / NUMBER_BINS]
    names = [BELOW, *(f"{at:02} to {edge:.10g}" for at, edge in enumerate(upper, start=1)), ABOVE, MISSING]
    return {"edges": [low, *upper], "bins": dict.fromkeys(names, 0.0)}


def _text(values: Values) -> dict[str, Any]:
    found = {value: times for value, times in Counter(values).items() if not _is_missing(value)}
    # Equal counts in the order of the alphabet: the same reference everywhere.
    ordered = sorted(found, key=lambda value: (-found[value], value))
    top, others = ordered[:TEXT_BINS], sorted(ordered[TEXT_BINS:])
    names = [*(f"{at:02} {value}" for at, value in enumerate(top, start=1)), OTHER, UNSEEN, MISSING]
    return {"values": top, "others": others, "bins": dict.fromkeys(names, 0.0)}


def count(reference: Reference, rows: Rows) -> dict[str, dict[str, int]]:
    """The rows in each bin, by feature. Raises KeyError for a column that the rows lack."""
    found = {}
    for feature in reference["features"]:
        names = list(feature["bins"])
        counted = np.bincount(bins(feature, rows[feature["name"]]), minlength=len(names))
        found[feature["name"]] = dict(zip(names, counted.tolist(), strict=True))
    return found


def bins(feature: Mapping[str, Any], values: Values) -> NDArray[np.intp]:
    """The position of each value's bin among those of a feature of the reference."""
    names = list(feature["bins"])
    if "edges" in feature:
        low, *upper = feature["edges"]
        numbers = _floats(values)
        at = np.where(numbers < low, 0, 1 + np.searchsorted(upper, numbers, side="left"))
        return np.where(np.isnan(numbers), len(names) - 1, at)
    other, unseen, missing = (names.index(name) for name in (OTHER, UNSEEN, MISSING))
    known = {value: at for at, value in enumerate(feature["values"])} | dict.fromkeys(feature["others"], other)
    # Each text is looked up once, not once a row. A list, because a NaN is found as the same object only.
    texts = list(values)
    found = {text: missing if _is_missing(text) else known.get(text, unseen) for text in set(texts)}
    return np.fromiter(map(found.__getitem__, texts), np.intp, len(texts))


def psi(served: Mapping[str, float], trained: Mapping[str, float]) -> float:
    """The population stability index of two distributions over the same bins: 0 when equal.

    It is the sum of (p - q) ln(p / q) over the bins (Siddiqi, Credit Risk Scorecards, 2006), the symmetric
    Kullback-Leibler divergence (Jeffreys, 1946). `served` may be counts. Without drift its mean is about
    (bins - 1) / rows (Yurdakul, Statistical Properties of Population Stability Index, 2018). NaN without rows.
    """
    rows = sum(served.values())
    if not rows:
        return math.nan
    return sum(_term(max(served[name] / rows, LEAST), max(share, LEAST)) for name, share in trained.items())


def _term(p: float, q: float) -> float:
    return (p - q) * math.log(p / q)


def unseen(served: Mapping[str, float]) -> float:
    """The share of the rows with a text that training did not have. NaN without rows."""
    rows = sum(served.values())
    return served.get(UNSEEN, 0) / rows if rows else math.nan


def deciles(positive: NDArray[np.float64]) -> NDArray[np.intp]:
    """The tenth of each probability, 0 to 9, the last of which includes 1: what `model_output_decile` counts."""
    return np.minimum((positive * DECILES).astype(np.intp), DECILES - 1)


def _floats(values: Values) -> NDArray[np.float64]:
    # In an array of objects None becomes NaN.
    return (values if isinstance(values, np.ndarray) else np.array(values, dtype=object)).astype(np.float64)


def _is_missing(value: Any) -> bool:
    return value is None or value != value
