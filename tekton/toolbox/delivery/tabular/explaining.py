"""How much of the label each feature explains alone: a first look for a column that gives it away."""

from __future__ import annotations

import numpy as np
import pandas as pd

from delivery import drift
from delivery.tabular import table
from delivery.tabular.contract import STRING, Contract
from delivery.tabular.table import Values


def explained(contract: Contract, rows: pd.DataFrame, truth: Values) -> list[tuple[str, float]]:
    """The features and their shares, the largest share first.

    The share is the correlation ratio, eta squared (Pearson, 1911): the variance of the label's means by value of the
    feature, of the label's variance. 1 is all of it. Numbers are taken in the ten bins of `delivery.drift`.
    """
    found = [(name, _share(_groups(contract, name, rows), truth)) for name in contract.features]
    return sorted(found, key=lambda one: -one[1])


def _groups(contract: Contract, name: str, rows: pd.DataFrame) -> pd.Series:
    if contract[name].type == STRING:
        return rows[name].astype(str).reset_index(drop=True)
    sent = {name: table.as_sent(contract, name, rows)}
    (feature,) = drift.describe(sent, "")["features"]
    return pd.Series(drift.bins(feature, sent[name]))


def _share(groups: pd.Series, truth: Values) -> float:
    means = pd.Series(truth).groupby(groups).transform("mean").to_numpy()
    whole = float(np.var(truth))
    return float(np.var(means)) / whole if whole else 0.0
