"""Fixtures: the project with the cars as they are committed, and a model of each candidate."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import pytest
from delivery.card import CARD, MODEL
from delivery.tabular import card
from delivery.tabular.project import Project
from delivery.tabular.train import train

FOLDER = Path(__file__).resolve().parents[1]
# The package and the served class, wherever pytest was started.
sys.path.insert(0, str(FOLDER))

from fuel import source  # noqa: E402


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test logs to a server, or takes its commit from a pipeline."""
    for name in ("MLFLOW_TRACKING_URI", "MODEL_DIR", "GIT_COMMIT", "PIPELINE_RUN", "USE_CASE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project, with data/cars.csv made from the source in a folder of its own."""
    found = Project.of(FOLDER)
    made = dataclasses.replace(found.contract, folder=tmp_path_factory.mktemp("cars"))
    made.data.parent.mkdir()
    made.data.write_bytes(source.render(made))
    return dataclasses.replace(found, contract=made)


@pytest.fixture(scope="session", params=["boosted", "linear"])
def trained(request: pytest.FixtureRequest, project: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model, as the stage `train` writes it: one for each candidate."""
    folder: Path = tmp_path_factory.mktemp(request.param)
    model, made = train(project, request.param, "0" * 12)
    (folder / MODEL).write_bytes(model)
    (folder / CARD).write_text(card.dump(made))
    return folder
