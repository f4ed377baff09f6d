"""Score the candidates on the test rows and choose the better one.

The better value of usecase.yaml's measure wins, unless CANDIDATE names a candidate (an A/B test serves both). The gate
decides whether it is good enough. The scores are those of the ONNX model, with the bytes that are served.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from delivery import graph
from delivery.card import MODEL
from delivery.errors import DeliveryError
from delivery.tabular import card, fitting, quality, table
from delivery.tabular.card import Card
from delivery.tabular.project import Project
from delivery.tabular.table import Values

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Scored:
    """The answers of one candidate for the test rows."""

    project: Project
    card: Card
    folder: Path
    test: pd.DataFrame
    predicted: Values

    @cached_property
    def metrics(self) -> dict[str, float]:
        """Its quality on all test rows."""
        return self._score(self.project.truth(self.test), self.predicted)

    @property
    def slices(self) -> pd.DataFrame:
        """Its quality by value of each slice."""
        answers = {"actual": self.project.truth(self.test), "predicted": self.predicted}
        return quality.by_slice(self.test, self.card.slices, answers, self._score)

    @property
    def answers(self) -> pd.DataFrame:
        """One line for each test row: of a regression, actual, predicted and residual; of a classification, classes."""
        actual = self.project.truth(self.test)
        if self.project.classifies:
            names = self.project.outputs
            said = self.predicted >= self.card.threshold
            return pd.DataFrame(
                {"actual": [names[int(one)] for one in actual], "predicted": [names[int(one)] for one in said]}
            )
        found = {"actual": actual, "predicted": self.predicted, "residual": self.predicted - actual}
        return pd.DataFrame(found).round(3)

    def _score(self, actual: Values, predicted: Values) -> dict[str, float]:
        return self.project.score(actual, predicted, self.card.mean)


def score(project: Project, folder: Path) -> Scored:
    """Score the model in the folder."""
    running, test = graph.session((folder / MODEL).read_bytes()), project.rows.test
    return Scored(
        project, card.of(folder), folder, test, fitting.predicted(running, table.inputs(project.contract, test))
    )


def winner(scored: Sequence[Scored], named: str = "") -> Scored:
    """The candidate of that name, else the best by the measure of usecase.yaml. DeliveryError for an unknown name."""
    if named:
        known = {one.card.candidate: one for one in scored}
        if named not in known:
            raise DeliveryError(f"CANDIDATE: got {named!r}, allowed: {', '.join(known)} or nothing")
        return known[named]
    project = scored[0].project
    sign = 1 if project.classifies else -1
    return max(scored, key=lambda one: sign * one.metrics[project.config.measure])


def picture(one: Scored) -> Figure:
    """The ROC curve of a classification; of a regression, each test row with its truth and its prediction."""
    from matplotlib.figure import Figure
    from sklearn import metrics

    actual = one.project.truth(one.test)
    figure = Figure(figsize=(5, 5), layout="constrained")
    axes = figure.subplots()
    if one.project.classifies:
        false_rate, true_rate, _ = metrics.roc_curve(actual, one.predicted)
        axes.plot(false_rate, true_rate, label=f"AUC {one.metrics['auc']:.3f}")
        ends, names = [0.0, 1.0], ("false positive rate", "true positive rate")
        axes.legend(loc="lower right")
    else:
        axes.plot(actual, one.predicted, "o", alpha=0.5)
        ends = [float(min(actual.min(), one.predicted.min())), float(max(actual.max(), one.predicted.max()))]
        names = (f"actual, {one.card.target}", f"predicted, {one.card.target}")
    axes.plot(ends, ends, linestyle=":", color="grey")
    axes.set(xlabel=names[0], ylabel=names[1], title=f"{one.card.candidate}, test rows")
    return figure


def write_artifacts(one: Scored, folder: Path) -> None:
    """The picture and the two tables of a candidate, for its run in MLflow."""
    picture(one).savefig(folder / "test.png", dpi=100)
    one.slices.to_csv(folder / "slices.csv", index=False)
    one.answers.to_csv(folder / "answers.csv", index=False)


def summary(scored: Sequence[Scored], chosen: Scored) -> str:
    """reports/metrics.json."""
    rounded = {one.card.candidate: {k: round(v, 5) for k, v in one.metrics.items()} for one in scored}
    return json.dumps({"winner": chosen.card.candidate, **rounded}, indent=1) + "\n"
