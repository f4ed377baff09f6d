"""The candidates of this project: complete pipelines from raw columns to an answer.

Every transformation of a row is in the pipeline, so the exported graph is the whole model. A further candidate is one
function and one line in CANDIDATES, a block of its name in params.yaml, its name in dvc.yaml and in
runs/train-and-stage.yaml.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from delivery.tabular.fitting import Candidate, Columns, Sklearn
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

SEED = 1


def linear(columns: Columns, params: Mapping[str, Any]) -> Sklearn:
    """Ridge regression. A missing number becomes the median of training; each text becomes a column."""
    numbers = make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler())
    prepare = ColumnTransformer(
        [
            ("words", OneHotEncoder(handle_unknown="ignore"), columns.words_at),
            ("numbers", numbers, columns.numbers_at),
        ]
    )
    return Sklearn(Pipeline([("prepare", prepare), ("predict", Ridge(**params))]), columns)


def boosted(columns: Columns, params: Mapping[str, Any]) -> Sklearn:
    """Gradient-boosted trees. A missing number takes the branch that helped most in training."""
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    prepare = ColumnTransformer([("words", codes, columns.words_at), ("numbers", "passthrough", columns.numbers_at)])
    trees = HistGradientBoostingRegressor(early_stopping=False, random_state=SEED, **params)
    return Sklearn(Pipeline([("prepare", prepare), ("predict", trees)]), columns)


CANDIDATES: dict[str, Candidate] = {"boosted": boosted, "linear": linear}
