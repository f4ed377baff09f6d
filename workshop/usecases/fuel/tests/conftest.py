"""Fixtures: the cars as they are committed, and a model of each candidate."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

FOLDER = Path(__file__).resolve().parents[1]
# The package and the served class, wherever pytest was started.
sys.path.insert(0, str(FOLDER))

from fuel import card, data, train  # noqa: E402
from fuel.card import CARD, MODEL  # noqa: E402


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test logs to a server, or takes its commit from a pipeline."""
    for name in ("MLFLOW_TRACKING_URI", "MODEL_DIR", "GIT_COMMIT", "PIPELINE_RUN"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def cars(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """All cars, made from the source."""
    file = tmp_path_factory.mktemp("data") / "cars.csv"
    file.write_bytes(data.render())
    return data.read(file)


@pytest.fixture(scope="session")
def params() -> dict[str, Any]:
    """The committed parameters."""
    return data.parameters()


@pytest.fixture(scope="session", params=["boosted", "linear"])
def trained(
    request: pytest.FixtureRequest, cars: pd.DataFrame, params: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A folder with a model, as the stage `train` writes it: one for each candidate."""
    folder: Path = tmp_path_factory.mktemp(request.param)
    model, made = train.train(request.param, params, cars, "0" * 12, ("origin", "cylinders"))
    (folder / MODEL).write_bytes(model)
    (folder / CARD).write_text(card.dump(made))
    return folder
