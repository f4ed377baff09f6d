"""The served model: a straight line."""

from __future__ import annotations

import json
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np


class Fuel:
    """Litres per 100 km of a car, off by `bias`."""

    class_names = ("litres",)

    def __init__(self, bias: float = 0.5) -> None:
        self._bias, self._lock = bias, Lock()
        self._errors: dict[str, float] = {}
        self._rows = 0
        self._deciles = [0] * 10

    def predict(self, X: Any, names: Any = None, meta: Any = None) -> Any:
        litres = self._litres(X)
        with self._lock:
            self._rows += len(litres)
            for value in litres:
                self._deciles[min(max(int(value - 5), 0), 9)] += 1
        return litres.reshape(-1, 1)

    def send_feedback(self, features: Any, names: Any, reward: float, truth: Any, routing: Any = None) -> list[Any]:
        errors = np.abs(self._litres(features) - np.asarray(truth, float).reshape(-1))
        with self._lock:
            for power in ("0", "2", "4"):
                self._errors[power] = self._errors.get(power, 0.0) + float((errors ** int(power)).sum())
        return []

    def metrics(self) -> list[dict[str, Any]]:
        with self._lock:
            found = [("model_feedback_error", value, {"power": power}) for power, value in self._errors.items()]
            found += [("model_output_decile", n, {"decile": str(at)}) for at, n in enumerate(self._deciles) if n]
            found.append(("model_predictions", self._rows, {"class": "value"}))
            self._errors, self._rows, self._deciles = {}, 0, [0] * 10
        return [{"type": "COUNTER", "key": key, "value": value, "tags": tags} for key, value, tags in found]

    def input_schema(self) -> list[dict[str, Any]]:
        return [{"name": "weight", "type": "number", "minimum": 500, "maximum": 3000, "unit": "kg", "nullable": False}]

    def training_reference(self) -> Any:
        return json.loads(Path("models/serving/model.json").read_text())["reference"]

    def init_metadata(self) -> dict[str, Any]:
        return {
            "name": "fuel-consumption",
            "versions": ["1"],
            "platform": "numpy",
            "inputs": [{"messagetype": "ndarray", "schema": {"names": ["weight"], "shape": [1]}}],
            "outputs": [{"messagetype": "ndarray", "schema": {"names": ["litres"], "shape": [1]}}],
        }

    def _litres(self, X: Any) -> Any:
        return 5 + np.asarray(X, float).reshape(-1) / 500 + self._bias
