"""The two candidate algorithms: complete pipelines from raw columns to a consumption.

Every transformation of a row is in the pipeline, so the exported graph is the whole model. A third candidate is one
function and one line in CANDIDATES, and a block of its name in params.yaml.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from delivery.errors import DeliveryError
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from fuel.schema import NUMBERS, WORDS

SEED = 1970
_WORDS = list(range(len(WORDS)))
_NUMBERS = list(range(len(WORDS), len(WORDS) + len(NUMBERS)))


def linear(params: dict[str, Any]) -> Pipeline:
    """Ridge regression. A missing number becomes the median of training; each origin becomes a column."""
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    prepare = ColumnTransformer(
        [("words", OneHotEncoder(handle_unknown="ignore"), _WORDS), ("numbers", numbers, _NUMBERS)]
    )
    return Pipeline([("prepare", prepare), ("predict", Ridge(**params))])


def boosted(params: dict[str, Any]) -> Pipeline:
    """Gradient-boosted trees. A missing number takes the branch that helped most in training."""
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    prepare = ColumnTransformer([("words", codes, _WORDS), ("numbers", "passthrough", _NUMBERS)])
    trees = HistGradientBoostingRegressor(early_stopping=False, random_state=SEED, **params)
    return Pipeline([("prepare", prepare), ("predict", trees)])


CANDIDATES: dict[str, Callable[[dict[str, Any]], Pipeline]] = {"boosted": boosted, "linear": linear}


def build(candidate: str, params: dict[str, dict[str, Any]]) -> Pipeline:
    """The unfitted pipeline of a candidate. DeliveryError for an unknown name."""
    if candidate not in CANDIDATES or candidate not in params:
        known = ", ".join(name for name in CANDIDATES if name in params)
        raise DeliveryError(f"candidate: got {candidate!r}, allowed: {known}")
    return CANDIDATES[candidate](params[candidate])
