"""Convert a fitted pipeline to ONNX, run it, and measure the difference.

The graph is that of `delivery.graph`; it returns `probabilities` of shape [rows, 2]: on time, late. ONNX computes in
float32 and scikit-learn partly in float64, so the results differ a little; the caller has the bound.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from delivery import graph
from delivery.graph import columns, session
from numpy.typing import NDArray

from flights.features import Inputs, inputs, matrix, order

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from sklearn.pipeline import Pipeline

__all__ = ["Parity", "columns", "export", "late", "late_in_sklearn", "parity", "row_milliseconds", "session"]

Probabilities = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Parity:
    """The largest difference in probability between scikit-learn and ONNX, and the row that has it."""

    max_difference: float
    row: int
    rows: int


def export(pipeline: Pipeline, features: tuple[str, ...]) -> bytes:
    """The fitted pipeline as a serialized ONNX model: the same bytes for the same pipeline, in every process."""
    return graph.export(pipeline, "flight_delay", *order(features))


def late(running: InferenceSession, columns: Inputs) -> Probabilities:
    """The probability of late of each row from the graph, shape (rows,)."""
    (both,) = running.run(["probabilities"], columns)
    return np.asarray(both, dtype=np.float64)[:, 1]


def late_in_sklearn(pipeline: Pipeline, frame: pd.DataFrame, features: tuple[str, ...]) -> Probabilities:
    """The probability of late of each row from the pipeline, shape (rows,)."""
    return np.asarray(pipeline.predict_proba(matrix(frame, features))[:, 1], dtype=np.float64)


def parity(reference: Probabilities, served: Probabilities) -> Parity:
    """Compare row by row. A NaN on one side only counts as a difference of 1."""
    difference = np.nan_to_num(np.abs(reference - served), nan=1.0)
    row = int(np.argmax(difference))
    return Parity(float(difference[row]), row, len(difference))


def row_milliseconds(running: InferenceSession, frame: pd.DataFrame, features: tuple[str, ...]) -> float:
    """The median time of one row, in milliseconds, after a few rows to warm up."""
    rows = [inputs(frame.iloc[[index]], features) for index in range(min(20, len(frame)))]
    return graph.row_milliseconds(running, "probabilities", rows)
