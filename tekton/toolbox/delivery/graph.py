"""From a fitted scikit-learn pipeline to an ONNX graph, and its session: what the training of each use case needs.

The graph takes `words`, strings of shape [rows, W], and `numbers`, floats of shape [rows, N] where NaN is a missing
value. An input without columns is left out. The metadata names the columns of both, so the file alone is enough to
score a model.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

Feed = Mapping[str, NDArray[Any]]
"""`words` and `numbers`, a line for each row."""
_OPSETS = {"": 18, "ai.onnx.ml": 3}


def export(pipeline: Any, name: str, words: Sequence[str], numbers: Sequence[str]) -> bytes:
    """The fitted pipeline as a serialized ONNX model: the same bytes for the same pipeline, in every process.

    Its columns are `words`, then `numbers`.
    """
    # Importing it takes two seconds. Only training converts; evaluation and the gate run the result.
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import FloatTensorType, StringTensorType
    from sklearn.base import is_classifier

    _thresholds_as_float32(pipeline)
    inputs = [("words", StringTensorType, words), ("numbers", FloatTensorType, numbers)]
    types = [(key, kind([None, len(names)])) for key, kind, names in inputs if names]
    options = {id(pipeline): {"zipmap": False}} if is_classifier(pipeline) else None
    model = to_onnx(pipeline, name=name, initial_types=types, options=options, target_opset=_OPSETS)
    for key, _, names in inputs:
        model.metadata_props.add(key=key, value=",".join(names))
    # skl2onnx takes them from a set, whose order differs from process to process.
    opsets = sorted(model.opset_import, key=lambda opset: opset.domain)
    del model.opset_import[:]
    model.opset_import.extend(opsets)
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def _thresholds_as_float32(pipeline: Any) -> None:
    """Round the trees' thresholds down to float32. The answer for a float32 value does not change.

    A threshold is halfway between two values of training. The conversion rounds it to the nearest float32, which may be
    a larger value that occurs: x <= t would then be true in ONNX and false in scikit-learn.
    """
    for trees in getattr(pipeline[-1], "_predictors", ()):
        for tree in trees:
            exact = tree.nodes["num_threshold"]
            near = exact.astype(np.float32)
            tree.nodes["num_threshold"] = np.where(near > exact, np.nextafter(near, np.float32(-np.inf)), near)


def session(model: bytes) -> InferenceSession:
    """A session with one thread: a row takes microseconds, and more threads would compete for the cores."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def columns(running: InferenceSession) -> tuple[str, ...]:
    """The raw columns that the graph's metadata names, words first."""
    stated = running.get_modelmeta().custom_metadata_map
    return tuple(name for key in ("words", "numbers") for name in stated[key].split(",") if name)


def row_milliseconds(running: InferenceSession, output: str, rows: Sequence[Feed], runs: int = 200) -> float:
    """The median time of one row, in milliseconds, after one round of the `rows` to warm up."""
    times = []
    for run in range(runs + len(rows)):
        started = time.perf_counter()
        running.run([output], rows[run % len(rows)])
        times.append(time.perf_counter() - started)
    return float(np.median(times[len(rows) :]) * 1000)
