"""Answer rows with the ONNX model, and count its answers and its errors.

It needs numpy, onnxruntime and the standard library only, and imports no server. Threads may share a model.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from .counts import TASKS, Values

MODEL, CARD = "model.onnx", "model.json"


class Model:
    """One loaded model: its answers, and counters since the last call of `take_metrics`."""

    def __init__(self, folder: Path) -> None:
        self.card: dict[str, Any] = json.loads((folder / CARD).read_text(encoding="utf-8"))
        options = onnxruntime.SessionOptions()
        # A row takes microseconds, so threads of its own would only compete with the server's workers.
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(str(folder / MODEL), options, providers=["CPUExecutionProvider"])
        self.names = [entry["name"] for entry in self.card["inputs"]]
        words = [entry["type"] == "string" for entry in self.card["inputs"]]
        self._words, self._numbers = np.flatnonzero(words), np.flatnonzero(np.logical_not(words))
        self._counts = TASKS[self.card["task"]](self.card)
        self._lock = Lock()

    def predict(self, rows: NDArray[Any]) -> Values:
        """The outputs of each row, shape (rows, outputs). The rows are counted.

        `rows` is an array of objects of shape (rows, columns) that a server has checked against the schema.
        """
        outputs = self._answer(rows)
        with self._lock:
            self._counts.predicted(outputs[:, -1])
        return outputs

    def feedback(self, rows: NDArray[Any], truth: Any) -> None:
        """Count rows with a known truth; the prediction is computed again from the rows.

        `truth` is one value for each row. Raises BadInputError.
        """
        actual = self._counts.read_truth(truth, len(rows))
        outputs = self._answer(rows)
        with self._lock:
            named = [dict(zip(self.names, row, strict=True)) for row in rows.tolist()]
            self._counts.known(outputs[:, -1], actual, named)

    def take_metrics(self) -> list[dict[str, Any]]:
        """The counts since the last call, as Seldon's COUNTERs; a server adds them up and appends _total.

        The first call has every counter, also those that are 0: `increase()` compares with the first value of a series.
        It also has the scores of the test as GAUGEs, for comparison with production.
        """
        with self._lock:
            return self._counts.take()

    def _answer(self, rows: NDArray[Any]) -> Values:
        feed: dict[str, NDArray[Any]] = {}
        if len(self._words):
            words = rows.take(self._words, 1)
            # A missing text is empty, as it was in training.
            feed["words"] = np.where(words == None, "", words)  # noqa: E711 compares each element
        if len(self._numbers):
            # None becomes NaN.
            feed["numbers"] = rows.take(self._numbers, 1).astype(np.float32)
        values = np.asarray(self._session.run(None, feed)[-1], dtype=np.float64)
        return values.reshape(len(rows), -1)


class Served:
    """What a model server calls. It needs a server that checks rows against `input_schema()`, as modelserver does."""

    class_names: Sequence[str] = ()
    supports_batching = True
    """An answer does not depend on the other rows, so a server may pass the rows of several requests in one call."""

    def __init__(self, folder: str) -> None:
        self._folder = Path(os.environ.get("MODEL_DIR") or folder)
        self._loaded: Model | None = None
        self.rows_are_checked = False
        """A server that checks every row against `input_schema()` sets this."""

    def load(self) -> None:
        """Read the model. Raises OSError or ValueError when there is none. Servers call it before they are ready."""
        self._loaded = Model(self._folder)

    @property
    def _model(self) -> Model:
        if self._loaded is None:
            self.load()
        assert self._loaded is not None
        return self._loaded

    def predict(self, X: Any, names: Sequence[str] | None = None, meta: Any = None) -> Any:
        """The outputs of each row. Raises RuntimeError under a server that does not check rows."""
        return self._model.predict(self._checked(X))

    def send_feedback(
        self, features: Any, names: Sequence[str] | None, reward: float, truth: Any, routing: Any = None
    ) -> list[Any]:
        """Count right and wrong when the truth is given."""
        if truth is not None and len(truth):
            self._model.feedback(self._checked(features), truth)
        return []

    def metrics(self) -> list[dict[str, Any]]:
        """Counts since the last call."""
        return self._model.take_metrics()

    def tags(self) -> dict[str, str]:
        """The model and its version, for each response."""
        made = self._model.card
        what = {"unit": made["target"]} if made["target"] else {"threshold": f"{made['threshold']:g}"}
        return {
            "candidate": made["candidate"],
            "data_version": made["data_version"],
            "git_commit": made["commit"],
            **what,
        }

    def health_status(self) -> str:
        """The model that is ready."""
        made = self._model.card
        return f"{made['name']} {made['candidate']} {made['onnx_sha256'][:12]} is ready"

    def init_metadata(self) -> dict[str, Any]:
        """Seldon's metadata."""
        made, names = self._model.card, self._model.names
        outputs = list(made["outputs"])
        return {
            "name": made["name"],
            "versions": [made["onnx_sha256"][:12]],
            "platform": "onnxruntime",
            "inputs": [{"messagetype": "ndarray", "schema": {"names": names, "shape": [len(names)]}}],
            "outputs": [{"messagetype": "ndarray", "schema": {"names": outputs, "shape": [len(outputs)]}}],
            "custom": self.tags(),
        }

    def input_schema(self) -> list[dict[str, Any]]:
        """The columns as they were when the model was trained."""
        return [dict(entry) for entry in self._model.card["inputs"]]

    def training_reference(self) -> dict[str, Any]:
        """The distribution of the training data, with which a server compares what it serves."""
        reference: dict[str, Any] = self._model.card["reference"]
        return reference

    def _checked(self, rows: Any) -> Any:
        if not self.rows_are_checked:
            raise RuntimeError("the server does not check rows, next: MODEL_SERVER=modelserver in .s2i/environment")
        return rows
