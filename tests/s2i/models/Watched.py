"""A model that describes its training data; REFERENCE replaces the description by another one, as JSON."""

from __future__ import annotations

import json
import os
from typing import Any

import numpy

COLUMNS: list[dict[str, Any]] = [
    {"name": "carrier", "type": "string"},
    {"name": "hour", "type": "integer", "minimum": 0, "maximum": 23},
    {"name": "age", "type": "number", "nullable": True},
]
REFERENCE: dict[str, Any] = {
    "data_version": "d1",
    "features": [
        {
            "name": "carrier",
            "values": ["UA", "DL"],
            "others": ["9E"],
            "bins": {"01 UA": 0.5, "02 DL": 0.4, "other": 0.1, "unseen": 0, "missing": 0},
            "usual": 0.1,
        },
        {
            "name": "hour",
            "edges": [6, 12, 22],
            "bins": {"below": 0, "01 to 12": 0.5, "02 to 22": 0.5, "above": 0, "missing": 0},
            "usual": 0.1,
        },
        {
            "name": "age",
            "edges": [0, 0, 5, 10],
            "bins": {"below": 0, "01 to 0": 0.2, "02 to 5": 0.3, "03 to 10": 0.3, "above": 0, "missing": 0.2},
            "usual": 0.3,
        },
    ],
    "outputs": {"shares": [0.25, 0.75], "usual": 0.2},
}


class Watched:
    supports_batching = True

    def input_schema(self) -> list[dict[str, object]]:
        return [dict(column) for column in COLUMNS]

    def training_reference(self) -> Any:
        return json.loads(os.environ["REFERENCE"]) if "REFERENCE" in os.environ else REFERENCE

    def predict(self, X: Any, names: list[str]) -> Any:
        if any(row[1] == 13 for row in X):
            raise RuntimeError("unlucky")
        return numpy.full((len(X), 1), 0.5)
