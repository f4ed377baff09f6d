"""Score the candidates on the test cars and choose the better one.

    python -m fuel.evaluate     reads models/{boosted,linear}, writes reports/ and models/serving

The candidate with the smaller RMSE wins, unless CANDIDATE names one (an A/B test serves both). The gate decides whether
it is good enough. The scores are those of the ONNX model, with the bytes that are served.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd
from delivery import graph
from delivery.cli import exit_code, say
from delivery.errors import DeliveryError
from matplotlib.figure import Figure

from fuel import card, data, export, metrics, tracking
from fuel.card import CARD, MODEL, Card
from fuel.paths import HOME, REPORTS, SERVING, write
from fuel.schema import UNIT


@dataclass(frozen=True, slots=True)
class Scored:
    """The answers of one candidate for the test cars."""

    card: Card
    folder: Path
    test: pd.DataFrame
    predicted: export.Values

    @property
    def metrics(self) -> metrics.Metrics:
        """Its quality on all test cars."""
        return metrics.score(data.truth(self.test), self.predicted, self.card.mean)

    @property
    def slices(self) -> pd.DataFrame:
        """Its quality by value of each slice."""
        return metrics.by_slice(self.test, self.card.slices, data.truth(self.test), self.predicted, self.card.mean)

    @property
    def residuals(self) -> pd.DataFrame:
        """Truth, prediction and residual of each test car."""
        actual = data.truth(self.test)
        named = {"name": self.test["name"], "actual": actual, "predicted": self.predicted}
        return pd.DataFrame({**named, "residual": self.predicted - actual}).round(3)


def score(folder: Path, test: pd.DataFrame) -> Scored:
    """Score the model in the folder."""
    running = graph.session((folder / MODEL).read_bytes())
    return Scored(card.load(folder), folder, test, export.predicted(running, data.inputs(test)))


def winner(scored: Sequence[Scored], named: str = "") -> Scored:
    """The candidate of that name, else the one with the smallest RMSE. DeliveryError for an unknown name."""
    if named:
        known = {one.card.candidate: one for one in scored}
        if named not in known:
            raise DeliveryError(f"CANDIDATE: got {named!r}, allowed: {', '.join(known)} or nothing")
        return known[named]
    return min(scored, key=lambda one: one.metrics.rmse)


def picture(one: Scored) -> Figure:
    """Each test car: its consumption, and what the model predicts."""
    actual = data.truth(one.test)
    figure = Figure(figsize=(5, 5), layout="constrained")
    axes = figure.subplots()
    for origin, chosen in one.test.groupby("origin").groups.items():
        axes.plot(actual[chosen], one.predicted[chosen], "o", alpha=0.7, label=str(origin))
    ends = [float(min(actual.min(), one.predicted.min())), float(max(actual.max(), one.predicted.max()))]
    axes.plot(ends, ends, linestyle=":", color="grey")
    axes.set(xlabel=f"actual, {UNIT}", ylabel=f"predicted, {UNIT}", title=f"{one.card.candidate}, test cars")
    axes.legend(loc="upper left")
    return figure


def _artifacts(one: Scored, folder: Path) -> None:
    picture(one).savefig(folder / "predicted.png", dpi=100)
    one.slices.to_csv(folder / "slices.csv", index=False)
    one.residuals.to_csv(folder / "residuals.csv", index=False)


def main() -> int:
    """Evaluate the candidates of params.yaml and choose one."""
    params = data.parameters()
    test = data.split(data.read(), int(params["split"]["every"])).test
    scored = [score(HOME / "models" / name, test) for name in params["candidates"]]
    chosen = winner(scored, os.environ.get("CANDIDATE", ""))
    summary = {one.card.candidate: {k: round(v, 5) for k, v in asdict(one.metrics).items()} for one in scored}
    write(REPORTS / "metrics.json", json.dumps({"winner": chosen.card.candidate, **summary}, indent=1) + "\n")
    write(REPORTS / "slices.csv", chosen.slices.to_csv(index=False))
    write(REPORTS / "residuals.csv", chosen.residuals.to_csv(index=False))
    for name in (MODEL, CARD):
        write(SERVING / name, (chosen.folder / name).read_bytes())
    for one in scored:
        tracking.log_evaluation(one.folder, lambda folder, one=one: _artifacts(one, folder))  # type: ignore[misc]
        mark = "  <- models/serving" if one is chosen else ""
        found = one.metrics
        say(f"{one.card.candidate:<9} RMSE {found.rmse:.3f}  MAE {found.mae:.3f}  R2 {found.r2:.3f}  "
            f"bias {found.bias:+.3f}{mark}")  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(exit_code(main))
