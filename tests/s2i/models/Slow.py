"""A slow model: for tests of shutdown, readiness and concurrency."""

from __future__ import annotations

import time
from typing import Any


class Slow:
    def __init__(self, load_seconds: float = 0.0, seconds: float = 0.4) -> None:
        self.load_seconds = load_seconds
        self.seconds = seconds

    def load(self) -> None:
        time.sleep(self.load_seconds)

    def predict(self, X: Any, names: list[str] | None = None) -> list[list[float]]:
        time.sleep(self.seconds)
        return [[1.0]]
