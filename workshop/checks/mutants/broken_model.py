"""A plugin of pytest that runs each test with the model as it is, and with models that are broken.

`workshop check 07` loads it by `-p broken_model` into the participant's Python. The last part of a test's name says
which model it had: `test_it[reversed]`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

MODELS: dict[str, Callable[[Any], Any]] = {
    "right": lambda answer: answer,
    "reversed": lambda answer: answer[:, ::-1],  # says "on time" where it should say "late"
    "constant": lambda answer: np.full_like(answer, 0.5),  # ignores the flight
}
"""What becomes of an answer of shape (rows, 2)."""


@pytest.fixture(autouse=True, params=list(MODELS))
def _model(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    from flights.serve import FlightModel

    answers, change = FlightModel.predict, MODELS[request.param]

    def predict(*words: Any, **options: Any) -> Any:
        return change(np.asarray(answers(*words, **options)))

    monkeypatch.setattr(FlightModel, "predict", predict)
