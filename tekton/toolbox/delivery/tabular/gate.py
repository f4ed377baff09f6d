"""The checks that a model must pass before it is registered: the bounds of params.yaml, and the champion.

Both models are scored on the same test rows. `python -m delivery gate` calls this.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from delivery import graph
from delivery.card import MODEL
from delivery.tabular import card, fitting, table
from delivery.tabular.card import Card
from delivery.tabular.project import Project
from delivery.tabular.table import Values
from delivery.usecase import Champion, Check, Scores

OTHER = "another candidate or other params in params.yaml"
LEAK = "look for a column that gives it away"
SMALLER = "a smaller model: other params in params.yaml"


def decide(project: Project, folder: Path, test: pd.DataFrame, champion: Champion | None) -> list[Check]:
    """All checks of the model in the folder on the test rows."""
    made, actual = card.of(folder), project.truth(test)
    found = project.score(actual, _predicted((folder / MODEL).read_bytes(), project, test), made.mean)
    checks = bounds(project, made, found)
    if champion is not None:
        theirs = project.score(actual, _predicted(champion.model, project, test), made.mean)
        allowed = float(project.params["gate"]["max_loss_to_champion"])
        measure = project.config.measure
        check = more if project.classifies else less
        checks.append(check(found[measure], theirs[measure], champion.version, allowed))
    return checks


def bounds(project: Project, made: Card, found: dict[str, float]) -> list[Check]:
    """The checks of the challenger alone, by its metrics."""
    limits = project.params["gate"]
    own = (
        [
            Check.at_least("auc", found["auc"], limits["min_auc"], OTHER),
            Check.at_most("auc is believable", found["auc"], limits["max_auc"], LEAK),
            Check.at_least("recall", found["recall"], limits["min_recall"], "a lower threshold in params.yaml"),
        ]
        if project.classifies
        else [
            Check.at_most("rmse", found["rmse"], limits["max_rmse"], OTHER),
            Check.at_least("rmse is believable", found["rmse"], limits["min_rmse"], LEAK),
            Check.at_least("r2", found["r2"], limits["min_r2"], OTHER),
        ]
    )
    return [
        *own,
        Check.at_most("parity", made.parity["max_difference"], limits["max_parity"], "see what is converted to ONNX"),
        Check.at_most("model bytes", made.onnx_bytes, limits["max_bytes"], SMALLER),
        Check.at_most("row milliseconds", made.row_ms, limits["max_row_ms"], SMALLER),
    ]


def by_threshold(project: Project, model: Path, scores: Scores) -> Sequence[Sequence[Check]]:
    """The bounds for a classification's model at the threshold where each bin begins.

    The AUC depends on no threshold: it is that of the test if the scores are, else that of the scores.
    """
    made = card.load(model)
    tested = [list(scores.negative), list(scores.positive)] == [made.scores.get(name) for name in made.outputs]
    auc = made.metrics["auc"] if tested else scores.auc
    return [bounds(project, made, {"auc": auc, "recall": scores.at(at).recall}) for at in range(len(scores.negative))]


def less(rmse: float, other: float, version: str, allowed: float) -> Check:
    """The challenger's RMSE compared with the champion's on the same rows; `allowed` is a share of the champion's."""
    return Check(
        "against the champion",
        f"{rmse:.4g} to {other:.4g} ({rmse / other - 1:+.1%})",
        f"at most {allowed:.1%} above version {version}",
        rmse <= other * (1 + allowed),
        "keep the champion, or other params in params.yaml",
    )


def more(auc: float, other: float, version: str, allowed: float) -> Check:
    """The challenger's AUC compared with the champion's on the same rows."""
    return Check(
        "against the champion",
        f"{auc:.4g} to {other:.4g} ({auc - other:+.4f})",
        f"at most {allowed:.4g} below version {version}",
        auc - other >= -allowed,
        "keep the champion, or other params in params.yaml",
        margin=round(auc - other, 6),
    )


def _predicted(model: bytes, project: Project, test: pd.DataFrame) -> Values:
    """The answers of a model to the test rows."""
    running = graph.session(model)
    return fitting.predicted(running, table.inputs(project.contract, test))
