"""A model that records the number of rows of each call and that can be blocked: for simultaneous requests."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any


class Crowd:
    supports_batching = True

    def __init__(self, folder: str) -> None:
        self.folder = Path(folder)
        self.counted = 0

    def input_schema(self) -> list[dict[str, Any]]:
        return [{"name": "word", "type": "string"}, {"name": "number", "type": "integer", "minimum": 0}]

    def predict(self, X: list[list[Any]], names: list[str] | None = None) -> list[list[int]]:
        words = [row[0] for row in X]
        if "fail" in words:
            raise ValueError("a row that the model cannot take")
        if "hold" in words:
            (self.folder / "held").touch()
            while not (self.folder / "go").exists():
                time.sleep(0.001)
        self.counted += len(X)
        return [[row[1], len(X)] for row in X]

    def metrics(self) -> list[dict[str, Any]]:
        counted, self.counted = self.counted, 0
        return [{"type": "COUNTER", "key": "crowd_rows", "value": counted}]
