"""Seldon's entry point: the class that a model server loads by the name in .s2i/environment.

The code is in flights/serve.py. This class imports no server, so it runs under every server that calls Seldon's Python
methods.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from flights import card
from flights.errors import BadInputError
from flights.explain import DOCUMENT, Explainer
from flights.serve import FlightModel


class FlightDelay:
    """Probability that a flight arrives on time and that it arrives at least 15 minutes late."""

    class_names = list(card.CLASSES)
    supports_batching = True
    """An answer does not depend on the other rows, so a server may pass the rows of several requests in one call."""
    json_documents = (DOCUMENT,)
    """Keys of jsonData that `predict` answers itself. A server that checks rows passes these on unchanged."""

    def __init__(self, model_dir: str = "") -> None:
        default = Path(__file__).resolve().parent / "models/serving"
        self._folder = Path(model_dir or os.environ.get("MODEL_DIR") or default)
        self._loaded: FlightModel | None = None
        self._explainer: Explainer | None = None
        self.rows_are_checked = False
        """A server that validates every row against `input_schema()` sets this.

        Rows are then not validated again here.
        """

    def load(self) -> None:
        """Read the model. Raises FlightsError when it does not exist. Servers call it once, before they are ready."""
        self._loaded = FlightModel(self._folder)
        self._explainer = Explainer(self._loaded)

    @property
    def _model(self) -> FlightModel:
        if self._loaded is None:
            self.load()
        assert self._loaded is not None
        return self._loaded

    def predict(self, X: Any, names: Sequence[str] | None = None, meta: Any = None) -> Any:
        """Probabilities of shape (rows, 2) from raw columns: on_time, late.

        A dict is a request for an explanation of one row: see flights/explain.py.
        """
        try:
            model = self._model
            if isinstance(X, dict):
                assert self._explainer is not None
                return self._explainer.answer(X)
            return model.predict(X, names, self.rows_are_checked)
        except BadInputError as error:
            raise _as_the_server_knows_it(error) from error

    def send_feedback(
        self, features: Any, names: Sequence[str] | None, reward: float, truth: Any, routing: Any = None
    ) -> list[Any]:
        """Count predicted against actual when the truth is given. The server counts the reward."""
        if truth is None or len(truth) == 0:
            return []
        try:
            self._model.feedback(features, names, truth, self.rows_are_checked)
        except BadInputError as error:
            raise _as_the_server_knows_it(error) from error
        return []

    def metrics(self) -> list[dict[str, Any]]:
        """Counts since the last call: predictions, deciles of the late probability, feedback."""
        return self._model.take_metrics()

    def tags(self) -> dict[str, str]:
        """The model and its version, for each response."""
        made = self._model.card
        return {
            "candidate": made.candidate,
            "data_version": made.data_version,
            "git_commit": made.commit,
            "threshold": f"{made.threshold:g}",
        }

    def health_status(self) -> str:
        """The model that is ready. Raises FlightsError when it cannot be loaded."""
        made = self._model.card
        return f"{made.name} {made.candidate} {made.onnx_sha256[:12]} is ready"

    def init_metadata(self) -> dict[str, Any]:
        """Seldon's metadata. A test checks that the stock wrapper accepts it."""
        made = self._model.card
        columns = {"names": list(made.features), "shape": [len(made.features)]}
        classes = {"names": self.class_names, "shape": [len(self.class_names)]}
        return {
            "name": made.name,
            "versions": [made.onnx_sha256[:12]],
            "platform": "onnxruntime",
            "inputs": [{"messagetype": "ndarray", "schema": columns}],
            "outputs": [{"messagetype": "ndarray", "schema": classes}],
            "custom": self.tags(),
        }

    def input_schema(self) -> list[dict[str, Any]]:
        """The columns as a JSON Schema, as they were when the model was trained."""
        return [dict(entry) for entry in self._model.card.inputs]

    def training_reference(self) -> dict[str, Any]:
        """The distribution of the training data, with which a server compares what it serves."""
        return self._model.card.reference


def _as_the_server_knows_it(error: BadInputError) -> Exception:
    """The exception that the server turns into a 400. The stock wrapper does so only for its own exception."""
    wrapper = sys.modules.get("seldon_core.flask_utils")
    if wrapper is None:
        return error
    known: Exception = wrapper.SeldonMicroserviceException(
        error.message, status_code=error.status_code, reason=error.reason
    )
    return known
