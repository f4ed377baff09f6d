"""The checks that a model must pass before it is registered: the bounds of params.yaml, and the champion.

Both models are scored on the same test cars. `python -m delivery gate` calls this.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
from delivery import graph
from delivery.usecase import Champion, Check

from fuel import card, data, export, metrics
from fuel.card import MODEL

LESS = "fewer trees or leaves in params.yaml"


def decide(folder: Path, test: pd.DataFrame, limits: dict[str, Any], champion: Champion | None) -> list[Check]:
    """All checks of the model in the folder on the test cars."""
    made, actual = card.load(folder), data.truth(test)
    found = metrics.score(actual, _predicted((folder / MODEL).read_bytes(), test), made.mean)
    checks = [
        Check.at_most("rmse", found.rmse, limits["max_rmse"], "another candidate or other params in params.yaml"),
        Check.at_least("rmse is believable", found.rmse, limits["min_rmse"], "look for a column that gives it away"),
        Check.at_least("r2", found.r2, limits["min_r2"], "another candidate or other params in params.yaml"),
        Check.at_most("parity", made.parity["max_difference"], limits["max_parity"], "see what skl2onnx converts"),
        Check.at_most("model bytes", made.onnx_bytes, limits["max_bytes"], LESS),
        Check.at_most("row milliseconds", made.row_ms, limits["max_row_ms"], LESS),
    ]
    if champion is not None:
        theirs = metrics.score(actual, _predicted(champion.model, test), made.mean)
        checks.append(against(found.rmse, theirs.rmse, champion.version, limits["max_loss_to_champion"]))
    return checks


def against(rmse: float, other: float, version: str, allowed: float) -> Check:
    """The challenger's RMSE compared with the champion's on the same cars; `allowed` is a share of the champion's."""
    return Check(
        "against the champion",
        f"{rmse:.4g} to {other:.4g} ({rmse / other - 1:+.1%})",
        f"at most {allowed:.1%} above version {version}",
        rmse <= other * (1 + allowed),
        "keep the champion, or other params in params.yaml",
    )


def _predicted(model: bytes, test: pd.DataFrame) -> export.Values:
    return export.predicted(graph.session(model), data.inputs(test))
