"""A model without imports: returns its input."""

from __future__ import annotations

from typing import Any


class Plain:
    def predict(self, X: Any, names: list[str] | None = None) -> list[list[str]]:
        return [[type(X).__name__, str(getattr(X, "dtype", ""))]]
