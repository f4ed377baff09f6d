"""Seldon's entry point: the class that a model server loads by the name in .s2i/environment.

The code is in fuel/serve.py. The class needs a server that checks rows against `input_schema()`, as modelserver does.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fuel import card
from fuel.serve import FuelModel


class FuelConsumption:
    """Litres per 100 km that a car of 1970 to 1982 consumes."""

    class_names = card.OUTPUTS
    supports_batching = True
    """An answer does not depend on the other rows, so a server may pass the rows of several requests in one call."""

    def __init__(self, model_dir: str = "") -> None:
        default = Path(__file__).resolve().parent / "models/serving"
        self._folder = Path(model_dir or os.environ.get("MODEL_DIR") or default)
        self._loaded: FuelModel | None = None
        self.rows_are_checked = False
        """A server that checks every row against `input_schema()` sets this."""

    def load(self) -> None:
        """Read the model. Raises OSError or ValueError when there is none. Servers call it before they are ready."""
        self._loaded = FuelModel(self._folder)

    @property
    def _model(self) -> FuelModel:
        if self._loaded is None:
            self.load()
        assert self._loaded is not None
        return self._loaded

    def predict(self, X: Any, names: Sequence[str] | None = None, meta: Any = None) -> Any:
        """The consumption of each row, shape (rows, 1). Raises RuntimeError under a server that does not check rows."""
        return self._model.predict(self._checked(X)).reshape(-1, 1)

    def send_feedback(
        self, features: Any, names: Sequence[str] | None, reward: float, truth: Any, routing: Any = None
    ) -> list[Any]:
        """Count the errors when the truth is given."""
        if truth is not None and len(truth):
            self._model.feedback(self._checked(features), truth)
        return []

    def metrics(self) -> list[dict[str, Any]]:
        """Counts since the last call: predictions, their tenths, errors, residuals."""
        return self._model.take_metrics()

    def tags(self) -> dict[str, str]:
        """The model and its version, for each response."""
        made = self._model.card
        return {
            "candidate": made.candidate,
            "data_version": made.data_version,
            "git_commit": made.commit,
            "unit": made.target,
        }

    def health_status(self) -> str:
        """The model that is ready."""
        made = self._model.card
        return f"{made.name} {made.candidate} {made.onnx_sha256[:12]} is ready"

    def init_metadata(self) -> dict[str, Any]:
        """Seldon's metadata."""
        made, names = self._model.card, self._model.names
        return {
            "name": made.name,
            "versions": [made.onnx_sha256[:12]],
            "platform": "onnxruntime",
            "inputs": [{"messagetype": "ndarray", "schema": {"names": names, "shape": [len(names)]}}],
            "outputs": [{"messagetype": "ndarray", "schema": {"names": list(card.OUTPUTS), "shape": [1]}}],
            "custom": self.tags(),
        }

    def input_schema(self) -> list[dict[str, Any]]:
        """The columns as they were when the model was trained."""
        return [dict(entry) for entry in self._model.card.inputs]

    def training_reference(self) -> dict[str, Any]:
        """The distribution of the training data, with which a server compares what it serves."""
        return self._model.card.reference

    def _checked(self, rows: Any) -> Any:
        if not self.rows_are_checked:
            raise RuntimeError("the server does not check rows, next: MODEL_SERVER=modelserver in .s2i/environment")
        return rows
