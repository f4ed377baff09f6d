"""Convert a fitted pipeline to ONNX, run it, and measure the difference.

The graph takes `words`, strings of shape [rows, W], and `numbers`, floats of shape [rows, N] where NaN is a missing
value. It returns `probabilities` of shape [rows, 2]: on time, late. Its metadata names the columns of both, so the file
alone is enough to score a model. ONNX computes in float32 and scikit-learn partly in float64, so the results differ a
little; the caller has the bound.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime
import pandas as pd
from numpy.typing import NDArray

from flights.features import Inputs, inputs, matrix, order

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

Probabilities = NDArray[np.float64]
_OPSETS = {"": 18, "ai.onnx.ml": 3}


@dataclass(frozen=True, slots=True)
class Parity:
    """The largest difference in probability between scikit-learn and ONNX, and the row that has it."""

    max_difference: float
    row: int
    rows: int


def export(pipeline: Pipeline, features: tuple[str, ...]) -> bytes:
    """The fitted pipeline as a serialized ONNX model: the same bytes for the same pipeline, in every process."""
    # Importing it takes two seconds. Only training converts; evaluation and the gate run the result.
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import FloatTensorType, StringTensorType

    _thresholds_as_float32(pipeline)
    words, numbers = order(features)
    types = [
        ("words", StringTensorType([None, len(words)])),
        ("numbers", FloatTensorType([None, len(numbers)])),
    ]
    model = to_onnx(
        pipeline,
        name="flight_delay",
        initial_types=types,
        options={id(pipeline): {"zipmap": False}},
        target_opset=_OPSETS,
    )
    for key, names in (("words", words), ("numbers", numbers)):
        model.metadata_props.add(key=key, value=",".join(names))
    # skl2onnx takes them from a set, whose order differs from process to process.
    opsets = sorted(model.opset_import, key=lambda opset: opset.domain)
    del model.opset_import[:]
    model.opset_import.extend(opsets)
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def _thresholds_as_float32(pipeline: Pipeline) -> None:
    """Round the trees' thresholds down to float32. The answer for a float32 value does not change.

    A threshold is halfway between two values of training. The conversion rounds it to the nearest float32, which may be
    a larger value that occurs: x <= t would then be true in ONNX and false in scikit-learn.
    """
    for trees in getattr(pipeline[-1], "_predictors", ()):
        for tree in trees:
            exact = tree.nodes["num_threshold"]
            near = exact.astype(np.float32)
            tree.nodes["num_threshold"] = np.where(near > exact, np.nextafter(near, np.float32(-np.inf)), near)


def session(model: bytes) -> onnxruntime.InferenceSession:
    """A session with one thread: a row takes microseconds, and more threads would compete for the cores."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def columns(running: onnxruntime.InferenceSession) -> tuple[str, ...]:
    """The raw columns that the graph's metadata names, words first."""
    stated = running.get_modelmeta().custom_metadata_map
    return tuple(name for key in ("words", "numbers") for name in stated[key].split(",") if name)


def late(running: onnxruntime.InferenceSession, columns: Inputs) -> Probabilities:
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
