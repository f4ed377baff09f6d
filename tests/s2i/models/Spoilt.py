"""A model whose metrics() returns what cannot be counted, after one good entry."""

from __future__ import annotations


class Spoilt:
    def predict(self, X, names=None):
        self.bad = X
        return [[1.0]]

    def metrics(self):
        name = self.bad if isinstance(self.bad, str) else "fine"
        kind = "GAUGE" if name == "fine_gauge" else "COUNTER"
        return [{"type": kind, "key": name.removesuffix("_gauge"), "value": 1}]
