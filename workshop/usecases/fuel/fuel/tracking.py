"""Log a model to MLflow when MLFLOW_TRACKING_URI is set, else do nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from delivery import tracking
from delivery.tracking import Trained, enabled, mlflow, reachable

from fuel import card
from fuel.export import OUTPUT
from fuel.schema import FEATURES, NUMBERS, WORDS

EXPERIMENT = "fuel"
"""`experiment` in usecase.yaml."""


def log_training(folder: Path) -> None:
    """Find or create the run of the model in the folder."""
    if enabled():
        with reachable():
            run_of(folder)


def log_evaluation(folder: Path, write_artifacts: Callable[[Path], None]) -> None:
    """Add the files that `write_artifacts` writes to a folder to the run of the model."""
    if enabled():
        with reachable(), TemporaryDirectory() as temporary:
            write_artifacts(Path(temporary))
            mlflow().MlflowClient().log_artifacts(run_of(folder), temporary, "evaluation")


def run_of(folder: Path) -> str:
    """The id of the run of this model, which is created and filled when there is none."""
    made = card.load(folder)
    run, _ = tracking.run_of(
        EXPERIMENT,
        folder,
        Trained(
            name=made.candidate,
            identity=made.identity,
            tags={
                "candidate": made.candidate,
                "data_version": made.data_version,
                "git_commit": made.commit,
                # MLflow shows this one as the source version.
                "mlflow.source.git.commit": made.commit,
                "onnx_sha256": made.onnx_sha256,
            },
            params={**made.params, "candidate": made.candidate, "every": made.every, "features": ",".join(FEATURES)},
            metrics={
                **made.metrics,
                "train_seconds": made.train_seconds,
                "onnx_bytes": made.onnx_bytes,
                "row_ms": made.row_ms,
                "parity_max_difference": made.parity["max_difference"],
            },
            words=len(WORDS),
            numbers=len(NUMBERS),
            output=OUTPUT,
            width=1,
            libraries=made.libraries,
        ),
    )
    return run
