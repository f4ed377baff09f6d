"""A model with a schema, as the workshop's own: text, integers, numbers, a nullable column."""

from __future__ import annotations

from typing import Any

import numpy


class Late:
    class_names = ("late",)

    def __init__(self, threshold: float = 0.5) -> None:
        self.threshold = threshold
        self.last = 0.0

    def load(self) -> None:
        self.answered = 0

    def input_schema(self) -> list[dict[str, object]]:
        return [
            {"name": "carrier", "type": "string", "enum": ["DL", "UA"], "description": "the airline"},
            {"name": "hour", "type": "integer", "minimum": 0, "maximum": 23, "unit": "hour"},
            {"name": "distance", "type": "number", "minimum": 0, "maximum": 5000, "unit": "mile"},
            {"name": "age", "type": "number", "nullable": True, "unit": "year"},
        ]

    def predict(self, X: Any, names: list[str], meta: dict[str, Any] | None = None) -> Any:
        assert names == ["carrier", "hour", "distance", "age"]
        if any(row[2] == 4242 for row in X):
            raise RuntimeError("secret detail of the model")
        if any(row[2] == 4243 for row in X):
            return numpy.array([[float("nan")], [float("inf")]])[: len(X)]
        self.last = float(X[0][1]) / 24
        return numpy.array([[row[1] / 24] for row in X])

    def metrics(self) -> list[dict[str, object]]:
        return [
            {"type": "COUNTER", "key": "late_answers", "value": 1},
            {"type": "GAUGE", "key": "late_last", "value": self.last, "tags": {"kind": "share"}},
            {"type": "TIMER", "key": "late_time", "value": 2.0},
        ]

    def tags(self) -> dict[str, object]:
        return {"threshold": self.threshold}

    def send_feedback(self, features: Any, names: list[str], reward: float, truth: Any, routing: Any) -> None:
        if features is not None and any(row[2] == 4242 for row in features):
            raise RuntimeError("secret detail of the model")
        return None

    def init_metadata(self) -> dict[str, object]:
        return {"name": "late", "versions": ["7"], "platform": "onnx"}
