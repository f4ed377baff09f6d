"""A model without a schema: returns its input, or the output that a request asks for."""

from __future__ import annotations

import sys
from typing import Any

import numpy


class Refused(Exception):
    status_code = 422
    reason = "BAD_FEATURES"


class Echo:
    def __init__(self, fails: bool = False, greeting: str = "hello") -> None:
        self.healthy = not fails
        self.greeting = greeting

    def predict(self, X: Any, names: list[str]) -> Any:
        if isinstance(X, str) and X == "greet":
            return self.greeting
        if X == "numbers" if isinstance(X, str) else numpy.asarray(X).tolist() == [["numbers"]]:
            return [[numpy.int64(1), numpy.float64(0.5)]]
        if isinstance(X, str) and X == "refuse":
            raise Refused("no such word")
        if (isinstance(X, str) and X == "ragged") or (isinstance(X, numpy.ndarray) and X.tolist() == ["ragged"]):
            return [[1, 2, 3], [4]]
        if isinstance(X, numpy.ndarray) and X.tolist() == [["ragged objects"]]:
            return numpy.array([[1, 2], [3]], dtype=object)
        if isinstance(X, str) and X == "exit":
            sys.exit("bad input")
        if isinstance(X, str) and X == "type":
            raise TypeError("predict() got an unexpected keyword argument")
        return X if isinstance(X, str | bytes | dict | list) else numpy.asarray(X)

    def health_status(self) -> str:
        if not self.healthy:
            raise RuntimeError("broken")
        return "fine"
