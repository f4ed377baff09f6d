"""The checks that a model must pass before it is registered: the bounds of params.yaml, and the champion.

Both models are scored on the same test month, which is in neither training set. `python -m delivery gate` calls this.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from delivery.usecase import Champion, Check

from flights import card, params
from flights.card import CARD, MODEL, Card
from flights.schema import BY_NAME, LEAKS

if TYPE_CHECKING:
    import pandas as pd


def bounds(made: Card, auc: float, recall: float, limits: params.Gate) -> list[Check]:
    """The checks of the challenger alone. auc and recall are of the test month."""
    return [
        Check.at_least("auc", auc, limits.min_auc, "better features or another candidate in params.yaml"),
        Check.at_most("auc is believable", auc, limits.max_auc, "look for a feature known only after departure"),
        _leaks(made),
        Check.at_least("recall", recall, limits.min_recall, "a lower threshold in params.yaml"),
        Check.at_most("parity", made.parity["max_difference"], limits.max_parity, "see what export.py converts"),
        Check.at_most("model bytes", made.onnx_bytes, limits.max_bytes, "fewer trees or leaves in params.yaml"),
        Check.at_most("row milliseconds", made.row_ms, limits.max_row_ms, "fewer trees or leaves in params.yaml"),
    ]


def _leaks(made: Card) -> Check:
    leaking = [name for name in made.features if name in LEAKS or name not in BY_NAME]
    return Check(
        "no leak",
        f"uses {', '.join(leaking)}" if leaking else f"{len(made.features)} features",
        "known before departure",
        not leaking,
        f"take {', '.join(leaking)} out of features.add in params.yaml" if leaking else "",
    )


def against(auc: float, other: float, version: str, allowed_loss: float) -> Check:
    """The challenger's AUC compared with the champion's on the same rows."""
    gain = auc - other
    return Check(
        "against the champion",
        f"{auc:.4g} to {other:.4g} ({gain:+.4f})",
        f"at most {allowed_loss:.4g} below version {version}",
        gain >= -allowed_loss,
        "keep the champion, or train on newer months (python -m flights.advance)",
        margin=round(gain, 6),
    )


def decide(folder: Path, test: pd.DataFrame, limits: params.Gate, champion: Champion | None) -> list[Check]:
    """All checks of the model in the folder on the rows of the test month."""
    # Imported here, because the bounds alone need no scikit-learn.
    from flights import export, features, metrics

    made, actual = card.load(folder / CARD), features.labels(test)
    running = export.session((folder / MODEL).read_bytes())
    quality = metrics.score(actual, export.late(running, features.inputs(test, made.features)), made.threshold)
    checks = bounds(made, quality.auc, quality.recall, limits)
    if champion is not None:
        other = export.session(champion.model)
        theirs = metrics.score(actual, export.late(other, features.inputs(test, export.columns(other))), made.threshold)
        checks.append(against(quality.auc, theirs.auc, champion.version, limits.max_loss_to_champion))
    return checks
