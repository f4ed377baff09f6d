"""Loads a model of MLflow that takes columns: `mlflow.pyfunc.load_model(...).predict(frame)`.

The file is logged with each model as its code, so it needs numpy, onnxruntime and pandas only. The ONNX graph takes
text and numbers as two inputs and names their columns in its metadata (`graph.py`).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pandas as pd

OUTPUTS = "outputs.json"
"""The file next to the graph with the names of its output's columns."""


class ByColumn:
    """One loaded model."""

    def __init__(self, file: Path) -> None:
        self._session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
        stated = self._session.get_modelmeta().custom_metadata_map
        self._columns = {key: [name for name in stated[key].split(",") if name] for key in ("words", "numbers")}
        self._output = self._session.get_outputs()[-1].name
        self._names = json.loads((file.parent / OUTPUTS).read_text(encoding="utf-8"))

    def predict(self, frame: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """The outputs of each row. `frame` has the columns of the signature, in any order; NaN is a missing number."""
        kinds = {"words": object, "numbers": np.float32}
        feed = {key: frame[names].to_numpy(kinds[key]) for key, names in self._columns.items() if names}
        (found,) = self._session.run([self._output], feed)
        return pd.DataFrame(np.asarray(found).reshape(len(frame), -1), columns=self._names, index=frame.index)


def _load_pyfunc(path: str) -> ByColumn:
    """What MLflow calls with the path of the graph (mlflow.org/docs/latest, "Custom Python Models")."""
    return ByColumn(Path(path))
