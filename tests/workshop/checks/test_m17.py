"""The check of module 17 wants a drill that something has caught."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.workshop.checks.test_m01 import Objects
from workshop.checks import CheckContext
from workshop.checks.m17 import DRILL, check
from workshop.participants.names import Participant


@pytest.mark.parametrize(("reason", "caught"), [("Failed", True), ("Cancelled", False)])
def test_a_drill_that_was_stopped_before_it_was_caught_does_not_count(
    tmp_path: Path, reason: str, caught: bool
) -> None:
    cluster = Objects()
    ended = {"type": "Succeeded", "status": "False", "reason": reason, "message": "Tasks Completed: 2"}
    cluster.put("PipelineRun", "user1-dev", "train-1", status={"conditions": [ended]})
    cluster.held["PipelineRun", "user1-dev", "train-1"]["metadata"]["labels"] = {DRILL: "bad-data"}
    found = check(CheckContext(cluster, Participant("user1").variables({}), tmp_path))
    assert found[0].ok == caught
