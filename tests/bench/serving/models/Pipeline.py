"""scikit-learn's pipeline behind the stock wrapper: what one serves when the model is not exported."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import joblib  # type: ignore[import-untyped]
import numpy as np
from flights.features import order


class Pipeline:
    def load(self) -> None:
        names, self.pipeline = joblib.load(Path(os.environ["MODEL_DIR"]) / "pipeline.joblib")
        words, numbers = order(tuple(names))
        self.at = [names.index(name) for name in (*words, *numbers)]
        self.words = len(words)

    def predict(self, X: Any, names: Any = None, meta: Any = None) -> Any:
        rows = np.asarray(X, dtype=object)[:, self.at]
        rows[:, self.words :] = rows[:, self.words :].astype(np.float32)
        return self.pipeline.predict_proba(rows)
