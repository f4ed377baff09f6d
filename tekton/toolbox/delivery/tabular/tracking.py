"""The run of a project's model in MLflow, where MLFLOW_TRACKING_URI is set."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from delivery import tracking
from delivery.tabular import card
from delivery.tabular.project import Project
from delivery.tracking import Trained, enabled, mlflow, reachable


def log_training(project: Project, folder: Path) -> None:
    """Find or create the run of the model in the folder."""
    if enabled():
        with reachable():
            run_of(project, folder)


def log_evaluation(project: Project, folder: Path, write_artifacts: Callable[[Path], None]) -> None:
    """Add the files that `write_artifacts` writes to a folder to the run of the model."""
    if enabled():
        with reachable(), TemporaryDirectory() as temporary:
            write_artifacts(Path(temporary))
            mlflow().MlflowClient().log_artifacts(run_of(project, folder), temporary, "evaluation")


def run_of(project: Project, folder: Path) -> str:
    """The id of the run of this model, which is created and filled when there is none."""
    made, contract = card.of(folder), project.contract
    run, _ = tracking.run_of(
        project.config.experiment,
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
            params={
                **made.params,
                "candidate": made.candidate,
                "every": made.every,
                "features": ",".join(contract.features),
                **({"threshold": made.threshold} if project.classifies else {}),
            },
            metrics={
                **made.metrics,
                "train_seconds": made.train_seconds,
                "onnx_bytes": made.onnx_bytes,
                "row_ms": made.row_ms,
                "parity_max_difference": made.parity["max_difference"],
            },
            libraries=made.libraries,
        ),
    )
    return run
