"""A model whose metrics() returns invalid entries after a valid one."""

from __future__ import annotations

from typing import Any


class Spoilt:
    def predict(self, X: Any, names: list[str] | None = None) -> list[list[float]]:
        self.bad = X
        return [[1.0]]

    def metrics(self) -> list[dict[str, object]]:
        name = self.bad if isinstance(self.bad, str) else "fine"
        kind = "GAUGE" if name == "fine_gauge" else "COUNTER"
        return [{"type": kind, "key": name.removesuffix("_gauge"), "value": 1}]
