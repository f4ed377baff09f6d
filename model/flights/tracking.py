"""Log a model to MLflow when MLFLOW_TRACKING_URI is set, else do nothing.

A run is found by the digest of its model.json (`Card.identity`), so training, evaluation and registration need no
shared file of run ids. Each asks for the run of its model, and the first one creates it. The digest of model.onnx alone
is not enough: a model with another threshold or of another commit has the same bytes. PIPELINE_RUN, when set, becomes a
tag of the run.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import TYPE_CHECKING, Any

from delivery.tracking import enabled, find_run, mlflow, reachable

from flights import card
from flights.card import CARD, MODEL, Card
from flights.cli import say

if TYPE_CHECKING:
    import numpy as np

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
    known = find_run(EXPERIMENT, {"card_sha256": made.identity})
    if known:
        return known
    library = mlflow()
    library.set_experiment(EXPERIMENT)
    with library.start_run(run_name=made.candidate, tags=_tags(made)) as run:
        library.log_params(_params(made))
        library.log_metrics(_metrics(made))
        library.log_artifact(str(folder / CARD))
        _log_model(library, folder, made)
    say(f"MLflow run {run.info.run_id} in experiment {EXPERIMENT}")
    return str(run.info.run_id)


def _tags(made: Card) -> dict[str, str]:
    pipeline_run = os.environ.get("PIPELINE_RUN")
    return {
        **({"pipeline_run": pipeline_run} if pipeline_run else {}),
        "candidate": made.candidate,
        "data_version": made.data_version,
        "git_commit": made.commit,
        # MLflow shows this one as the source version.
        "mlflow.source.git.commit": made.commit,
        "onnx_sha256": made.onnx_sha256,
        "card_sha256": made.identity,
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


def _log_model(library: ModuleType, folder: Path, made: Card) -> None:
    """Log the ONNX model with its inputs as a signature.

    Requirements are given, because MLflow's inference takes 20 s.
    """
    import mlflow.onnx
    import numpy as np
    import onnx
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema, TensorSpec

    def spec(kind: np.dtype[Any], name: str, width: int) -> TensorSpec:
        return TensorSpec(kind, (-1, width), name)

    words = sum(entry["type"] == "string" for entry in made.inputs)
    given: list[ColSpec | TensorSpec] = [
        spec(np.dtype(object), "words", words),
        spec(np.dtype(np.float32), "numbers", len(made.inputs) - words),
    ]
    mlflow.onnx.log_model(
        onnx.load_model(str(folder / MODEL)),
        name="model",
        signature=ModelSignature(Schema(given), Schema([spec(np.dtype(np.float32), "probabilities", 2)])),
        pip_requirements=[f"{name}=={made.libraries[name]}" for name in ("onnxruntime", "numpy")],
        save_as_external_data=False,
    )
