"""Log a model to MLflow when MLFLOW_TRACKING_URI is set, else do nothing.

A run is found by the digest of its model.json (`Card.identity`), so training, evaluation and registration need no
shared file of run ids. Each asks for the run of its model, and the first one creates it. The digest of model.onnx alone
is not enough: a model with another threshold or of another commit has the same bytes. PIPELINE_RUN, when set, becomes a
tag of the run.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from delivery import tracking
from delivery.tracking import Trained, enabled, mlflow, reachable

from flights import card
from flights.card import CARD, Card
from flights.cli import say

EXPERIMENT = "flights"
"""`experiment` in usecase.yaml."""


def log_training(folder: Path) -> str | None:
    """Find or create the run of the model in the folder. Returns its id, or None without a server."""
    if not enabled():
        return None
    with reachable():
        return run_of(folder)


def log_evaluation(folder: Path, write_artifacts: Callable[[Path], None]) -> None:
    """Add the files that `write_artifacts` writes to a folder to the run of the model."""
    if not enabled():
        return
    with reachable(), TemporaryDirectory() as temporary:
        write_artifacts(Path(temporary))
        mlflow().MlflowClient().log_artifacts(run_of(folder), temporary, "evaluation")


def run_of(folder: Path) -> str:
    """The id of the run of this model. The run is created and filled when there is none."""
    made = card.load(folder / CARD)
    trained = Trained(
        name=made.candidate, identity=made.identity, tags=_tags(made), params=_params(made), metrics=_metrics(made),
        libraries=made.libraries,
    )  # fmt: skip
    run, created = tracking.run_of(EXPERIMENT, folder, trained)
    if created:
        say(f"MLflow run {run} in experiment {EXPERIMENT}")
    return run


def _tags(made: Card) -> dict[str, str]:
    return {
        "candidate": made.candidate,
        "data_version": made.data_version,
        "git_commit": made.commit,
        # MLflow shows this one as the source version.
        "mlflow.source.git.commit": made.commit,
        "onnx_sha256": made.onnx_sha256,
    }


def _params(made: Card) -> dict[str, Any]:
    months = ",".join(str(month) for month in made.train_months)
    return {
        **made.params,
        "candidate": made.candidate,
        "threshold": made.threshold,
        "train_months": months,
        "test_month": made.test_month,
        "features": ",".join(made.features),
    }


def _metrics(made: Card) -> dict[str, float]:
    return {
        **made.metrics,
        "train_seconds": made.train_seconds,
        "onnx_bytes": made.onnx_bytes,
        "row_ms": made.row_ms,
        "parity_max_difference": made.parity["max_difference"],
    }
