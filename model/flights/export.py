"""Turn a fitted pipeline into ONNX, run it, and measure how far the two disagree.

The graph takes one input a raw column, string or float of shape [rows, 1], and gives `label` and
`probabilities` of shape [rows, 2]: on time, late. ONNX computes in float32 where scikit-learn may use
float64, so the two agree closely and not exactly; the caller decides what is close enough.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import onnxruntime
import pandas as pd
from numpy.typing import NDArray
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.pipeline import Pipeline

from flights.features import Inputs, inputs
from flights.schema import BY_NAME

Probabilities = NDArray[np.float64]
_OPSETS = {"": 18, "ai.onnx.ml": 3}


@dataclass(frozen=True, slots=True)
class Parity:
    """The largest difference in probability between scikit-learn and ONNX, and the row that has it."""

    max_difference: float
    row: int
    rows: int


def export(pipeline: Pipeline, features: tuple[str, ...]) -> bytes:
    """The fitted pipeline as a serialized ONNX model."""
    types = [
        (name, StringTensorType([None, 1]) if BY_NAME[name].kind == "string" else FloatTensorType([None, 1]))
        for name in features
    ]
    model = to_onnx(
        pipeline,
        name="flight_delay",
        initial_types=types,
        options={id(pipeline): {"zipmap": False}},
        target_opset=_OPSETS,
    )
    content: bytes = model.SerializeToString()
    return content


def session(model: bytes) -> onnxruntime.InferenceSession:
    """A session on one thread: a row takes microseconds, and threads would only fight over the cores."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def late(running: onnxruntime.InferenceSession, columns: Inputs) -> Probabilities:
    """The probability of being late of each row, shape (rows,)."""
    (both,) = running.run(["probabilities"], columns)
    return np.asarray(both, dtype=np.float64)[:, 1]


def late_in_sklearn(pipeline: Pipeline, frame: pd.DataFrame, features: tuple[str, ...]) -> Probabilities:
    """The same from the pipeline itself, shape (rows,)."""
    return np.asarray(pipeline.predict_proba(frame[list(features)])[:, 1], dtype=np.float64)


def parity(reference: Probabilities, served: Probabilities) -> Parity:
    """Compare row by row; a NaN on one side counts as the largest difference there is."""
    difference = np.nan_to_num(np.abs(reference - served), nan=1.0)
    row = int(np.argmax(difference))
    return Parity(float(difference[row]), row, len(difference))


def row_milliseconds(running: onnxruntime.InferenceSession, frame: pd.DataFrame, features: tuple[str, ...],
                     runs: int = 200) -> float:  # fmt: skip
    """The median time of one row, in milliseconds, after a few rows to warm up."""
    rows = [inputs(frame.iloc[[index]], features) for index in range(min(20, len(frame)))]
    times = []
    for run in range(runs + len(rows)):
        started = time.perf_counter()
        running.run(["probabilities"], rows[run % len(rows)])
        times.append(time.perf_counter() - started)
    return float(np.median(times[len(rows) :]) * 1000)
