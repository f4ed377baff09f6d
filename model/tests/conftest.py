"""Fixtures of the model's tests: real months, a small model trained on a slice of them, and a temporary home folder."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from flights import card, data, features, months, params, train
from flights.card import CARD, MODEL
from flights.pointers import expected_md5, file_md5
from flights.serve import FlightModel
from threadpoolctl import threadpool_limits

MODEL_FOLDER = Path(__file__).resolve().parent.parent
TRACKED = MODEL_FOLDER / "data"


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    """Fit with as many threads as training does. On busy cores two threads take ten times as long as one."""
    with threadpool_limits(train.THREADS):
        yield


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test logs to a server or takes another folder for its home unless it says so."""
    for name in ("MLFLOW_TRACKING_URI", "FLIGHTS_HOME", "MODEL_DIR", "GIT_COMMIT", "PIPELINE_RUN"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def real_months(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with months 6 and 7: the checkout's where they are whole, else made from the package."""
    wanted = [TRACKED / months.file_name(month) for month in (6, 7)]
    if all(file.exists() and file_md5(file) == expected_md5(file) for file in wanted):
        return TRACKED
    folder = tmp_path_factory.mktemp("months")
    data.make([6, 7], folder)
    return folder


@pytest.fixture(scope="session")
def june(real_months: Path) -> pd.DataFrame:
    """Every fifth flight of June: enough to learn that storms delay flights."""
    return features.read([6], real_months).iloc[::5].reset_index(drop=True)


@pytest.fixture(scope="session")
def july(real_months: Path) -> pd.DataFrame:
    """Every seventh flight of July, which the small model has not seen."""
    return features.read([7], real_months).iloc[::7].reset_index(drop=True)


@pytest.fixture(scope="session")
def given() -> params.Params:
    """The committed parameters, but for the months: those of the tests are June and July whatever was committed."""
    committed = params.load(MODEL_FOLDER / "params.yaml")
    return dataclasses.replace(committed, train_months=(6,), test_month=7)


@pytest.fixture(scope="session")
def small_model(
    given: params.Params, june: pd.DataFrame, july: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A folder with a model trained on the slice, as the stage `train` writes it."""
    folder = tmp_path_factory.mktemp("serving")
    model, made = train.train("boosted", given, june, july, "0" * 12, ("carrier", "origin"))
    (folder / MODEL).write_bytes(model)
    card.dump(made, folder / CARD)
    return folder


@pytest.fixture
def served(small_model: Path) -> FlightModel:
    """The small model, loaded anew so that its counters are at zero."""
    return FlightModel(small_model)
