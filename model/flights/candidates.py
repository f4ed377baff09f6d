"""The two candidate algorithms: complete pipelines from raw columns to a probability.

Every transformation of a row is in the pipeline, so the exported graph is the whole model. Columns are selected by
position in features.matrix: with positions the graph needs two inputs, with names one for each column, which doubles
the time of a row. A third candidate is one function and one line in CANDIDATES, and a block of its name in params.yaml.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from flights.errors import FlightsError
from flights.features import order

SEED = 20130101


def boosted(features: Sequence[str], params: dict[str, Any]) -> Pipeline:
    """Gradient-boosted trees. Missing numbers take the branch that helped most in training."""
    words, numbers = _positions(features)
    # The codes are in alphabetical order, which has no meaning, but trees split them as often as needed. One column for
    # each value takes four times as long to train and does not score better.
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    prepare = ColumnTransformer([("words", codes, words), ("numbers", "passthrough", numbers)])
    trees = HistGradientBoostingClassifier(early_stopping=False, random_state=SEED, **params)
    return Pipeline([("prepare", prepare), ("classify", trees)])


def logistic(features: Sequence[str], params: dict[str, Any]) -> Pipeline:
    """Logistic regression.

    Missing numbers become the median of training; each value of a text column becomes a column.
    """
    words, numbers = _positions(features)
    prepare = ColumnTransformer(
        [
            ("words", OneHotEncoder(handle_unknown="ignore"), words),
            ("numbers", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numbers),
        ]
    )
    return Pipeline([("prepare", prepare), ("classify", LogisticRegression(random_state=SEED, **params))])


CANDIDATES: dict[str, Callable[[Sequence[str], dict[str, Any]], Pipeline]] = {
    "boosted": boosted,
    "logistic": logistic,
}


def build(candidate: str, features: Sequence[str], params: dict[str, dict[str, Any]]) -> Pipeline:
    """The unfitted pipeline of a candidate. Raises FlightsError for an unknown name."""
    if candidate not in CANDIDATES or candidate not in params:
        both = [name for name in CANDIDATES if name in params]
        raise FlightsError(f"candidate: got {candidate!r}, allowed: {', '.join(both)}")
    return CANDIDATES[candidate](features, params[candidate])


def _positions(features: Sequence[str]) -> tuple[list[int], list[int]]:
    """The positions of the text columns and of the numbers in features.matrix."""
    words, numbers = order(features)
    return list(range(len(words))), list(range(len(words), len(words) + len(numbers)))
