"""What a candidate of a project is: something that learns from rows, predicts, and becomes an ONNX graph.

The graph takes `words` and `numbers` as `delivery.graph` says. Its last output has a line for each row: the value of a
regression, or the probabilities of a classification, of which the positive class's is the last.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pandas as pd

from delivery import graph
from delivery.tabular.table import Inputs, Values

if TYPE_CHECKING:
    from onnxruntime import InferenceSession


@dataclass(frozen=True, slots=True)
class Columns:
    """The features by name, in the order in which a candidate gets them: `words` first, then `numbers`."""

    words: Sequence[str]
    numbers: Sequence[str]

    @property
    def words_at(self) -> list[int]:
        """The positions of the texts."""
        return list(range(len(self.words)))

    @property
    def numbers_at(self) -> list[int]:
        """The positions of the numbers."""
        return list(range(len(self.words), len(self.words) + len(self.numbers)))


class Learner(Protocol):
    """A candidate for some columns and params."""

    def fit(self, rows: pd.DataFrame, truth: Values) -> None:
        """Learn. `truth` has shape (rows,): a value, or 1 for the positive class and 0 for the other."""

    def predict(self, rows: pd.DataFrame) -> Values:
        """The value or the probability of the positive class of each row, shape (rows,), without ONNX."""

    def onnx(self) -> bytes:
        """What was learned, as a serialized ONNX model."""


Candidate = Callable[[Columns, Mapping[str, Any]], Learner]
"""Makes a learner for the columns of a project and the params of params.yaml."""


class Sklearn:
    """A scikit-learn pipeline as a learner; also one that ends with an estimator that skl2onnx has a converter for."""

    def __init__(self, pipeline: Any, columns: Columns) -> None:
        self._pipeline, self._columns = pipeline, columns

    def fit(self, rows: pd.DataFrame, truth: Values) -> None:
        """Fit the pipeline. It gets the classes as integers."""
        self._pipeline.fit(rows, truth.astype(int) if self._classifies else truth)

    def predict(self, rows: pd.DataFrame) -> Values:
        """The pipeline's own answers."""
        found = self._pipeline.predict_proba(rows)[:, 1] if self._classifies else self._pipeline.predict(rows)
        return np.asarray(found, dtype=np.float64)

    def onnx(self) -> bytes:
        """The graph of skl2onnx."""
        return graph.export(self._pipeline, "model", self._columns.words, self._columns.numbers)

    @property
    def _classifies(self) -> bool:
        from sklearn.base import is_classifier

        return bool(is_classifier(self._pipeline))


def predicted(running: InferenceSession, feed: Inputs) -> Values:
    """The value or the probability of the positive class of each row from the graph, shape (rows,)."""
    return np.asarray(running.run(None, dict(feed))[-1], dtype=np.float64).reshape(len(next(iter(feed.values()))), -1)[
        :, -1
    ]


@dataclass(frozen=True, slots=True)
class Parity:
    """The largest difference between the library and ONNX, and its row; see `parity`."""

    max_difference: float
    row: int
    rows: int


def parity(reference: Values, served: Values, scale: float = 1.0) -> Parity:
    """Compare row by row, as a share of `scale`, or of the prediction where that is larger.

    The scale of a regression is the standard deviation of its label: a sum of trees near 0 has the rounding of its
    terms. A NaN on one side only counts as a difference of 1.
    """
    difference = np.nan_to_num(np.abs(reference - served) / np.maximum(np.abs(reference), scale), nan=1.0)
    row = int(np.argmax(difference))
    return Parity(float(difference[row]), row, len(difference))
