"""The rules over real months: September is quiet, and December fires what starts a retraining.

The flights are those of `tests/season.py`, played in their order at 50 a second, each seed nine of ten of them. One
seed is played, with `--thorough` three.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.grafana.replaying import Stretch, contradictions
from tests.season import season

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("season")]
MONTHS = (9, 10, 11, 12)
SOON = 180.0
"""Seconds from the first flight of December within which its alert must fire."""


def test_september_fires_nothing_and_december_soon_starts_a_retraining(
    tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    cases = {}
    for seed in (1, 2, 3) if pytestconfig.getoption("--thorough") else (1,):
        played = season().played(MONTHS, seed)
        october, november, december = (season().begins(played, MONTHS, month) for month in MONTHS[1:])
        cases[f"seed {seed}"] = (
            played.series(played.asked[-1]),
            [
                Stretch(0, october),
                Stretch(october, november),
                Stretch(december, december + SOON, ["ModelMisses", "ModelWorse"]),
            ],
        )
    assert contradictions(tmp_path, cases) == ""
