"""What MLflow's registry says is in production: the alias `champion` of the model `flight-delay`.

Aliases and not stages: MLflow deprecated stages, and an alias moves in one step, which makes promotion
and rollback the same operation.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from flights import tracking
from flights.card import NAME

CHALLENGER, CHAMPION = "challenger", "champion"


@dataclass(frozen=True, slots=True)
class Champion:
    """A registered version and the bytes of its ONNX model."""

    version: str
    model: bytes


def current() -> Champion | None:
    """The champion, or None when the registry has none; FlightsError when MLflow does not answer."""
    library = tracking.mlflow()
    with tracking.reachable():
        try:
            version = library.MlflowClient().get_model_version_by_alias(NAME, CHAMPION).version
        except library.exceptions.MlflowException as error:
            if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                return None
            raise
        with TemporaryDirectory() as folder:
            uri = f"models:/{NAME}/{version}"
            fetched = Path(library.artifacts.download_artifacts(artifact_uri=uri, dst_path=folder))
            return Champion(str(version), next(fetched.rglob("*.onnx")).read_bytes())
