"""The consumption of cars from the ONNX graph and from scikit-learn, and the difference of both.

The graph is that of `delivery.graph`; its output `variable` has shape [rows, 1].
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fuel.data import Inputs
from fuel.schema import NUMBERS, WORDS

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from sklearn.pipeline import Pipeline

OUTPUT = "variable"
"""The name that skl2onnx gives the output of a regression."""
Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Parity:
    """The largest difference between scikit-learn and ONNX, as a share of the prediction, and the row that has it."""

    max_difference: float
    row: int
    rows: int


def predicted(running: InferenceSession, columns: Inputs) -> Values:
    """The consumption of each row from the graph, shape (rows,)."""
    (values,) = running.run([OUTPUT], columns)
    return np.asarray(values, dtype=np.float64).reshape(-1)


def predicted_in_sklearn(pipeline: Pipeline, cars: pd.DataFrame) -> Values:
    """The consumption of each row from the pipeline, shape (rows,)."""
    return np.asarray(pipeline.predict(cars[[*WORDS, *NUMBERS]]), dtype=np.float64)


def parity(reference: Values, served: Values) -> Parity:
    """Compare row by row. A NaN on one side only counts as a difference of 1."""
    difference = np.nan_to_num(np.abs(reference - served) / np.maximum(np.abs(reference), 1.0), nan=1.0)
    row = int(np.argmax(difference))
    return Parity(float(difference[row]), row, len(difference))
