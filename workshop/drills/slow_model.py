"""Each prediction takes 0.4 s longer; the latency bound of verify-staging refuses it before production has it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from workshop.drills.commits import Commit, append

SLOW = """

# A drill: workshop drill slow-model
import time  # noqa: E402

_predict = FlightDelay.predict


def _slowly(self: FlightDelay, X: Any, names: Sequence[str] | None = None, meta: Any = None) -> Any:
    time.sleep(0.4)
    return _predict(self, X, names, meta)


FlightDelay.predict = _slowly  # type: ignore[method-assign]
"""


def change(model: Path, _: Mapping[str, str]) -> None:
    """Add a pause to the entry point of the model server."""
    append(model / "FlightDelay.py", SLOW)


DRILL = Commit(
    name="slow-model",
    title="each prediction takes 0.4 s longer",
    look="the run's page: verify-staging is red; Model serving shows the latency of staging",
    change=change,
    task="verify-staging",
    pattern=r"latency.*allowed: 250 ms",
    restores=True,
)
