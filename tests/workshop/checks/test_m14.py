"""The check of module 14 reads the fields of the history, whatever its sentences say."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest
from delivery.history import AB_TEST, PROMOTED, ROLLED_BACK, SHADOW, Entry

from tests.delivery.test_history import entry
from tests.workshop.checks.test_m01 import Objects
from workshop.checks import CheckContext
from workshop.checks.m14 import check
from workshop.participants.names import Participant

IMAGE = "registry/flight-delay@"
BACK = "production went back, and came again"


def finding(tmp_path: Path, entries: list[Entry], *, shadow: str = "True") -> dict[str, tuple[bool, str]]:
    """What the check says of each task, where production runs the last release that the history has."""
    cluster = Objects()
    last = [one for one in entries if one.since][-1]
    cluster.put(
        "SeldonDeployment",
        "user1-production",
        "flight-delay",
        spec={
            "predictors": [
                {"name": "main", "componentSpecs": [{"spec": {"containers": [{"image": IMAGE + last.digest}]}}]}
            ]
        },
        status={"state": "Available"},
    )
    history = json.dumps({"schema": 2, "entries": [asdict(one) for one in entries]})
    cluster.put("ConfigMap", "user1-production", "flight-delay-history", data={"history.json": history})
    conditions = [{"type": "Succeeded", "status": shadow}, {"type": "Started", "status": "True"}]
    spec = {"pipelineRef": {"name": "experiment"}, "params": [{"name": "kind", "value": "shadow"}]}
    cluster.put("PipelineRun", "user1-production", "experiment-a", spec=spec, status={"conditions": conditions})
    context = CheckContext(cluster, Participant("user1").variables({}), tmp_path)
    return {one.task: (one.ok, one.reason) for one in check(context)}


def drill(version: int, at: int, reason: str = "drill", **more: str) -> Entry:
    fields = {"cause": ROLLED_BACK, "came": "words of another language", "until": "x", "reason": reason} | more
    return entry(version, since=f"2026-02-01T00:00:{at:02d}Z", **fields)


ENDED = entry(3, cause=AB_TEST, reason="boosted stays", since="", until="2026-01-31T00:00:00Z")
PROMOTIONS = [entry(1, cause=PROMOTED, until="x"), entry(2, cause=PROMOTED, until="x")]


def test_two_rollbacks_with_a_reason_to_two_releases_are_the_drill(tmp_path: Path) -> None:
    seen = entry(3, cause=SHADOW, reason="seen", since="", until="2026-01-31T00:00:01Z")
    found = finding(tmp_path, [*PROMOTIONS, ENDED, seen, drill(1, 1), drill(2, 2, until="")])
    assert all(ok for ok, _ in found.values()), found


@pytest.mark.parametrize(
    "entries",
    [
        [*PROMOTIONS, ENDED, drill(1, 1, until="")],
        [*PROMOTIONS, ENDED, drill(1, 1), drill(2, 2, reason="", until="")],
        [*PROMOTIONS, drill(1, 1), drill(2, 2, until=""), ENDED],
        [*PROMOTIONS, ENDED, drill(1, 1), entry(2, cause=PROMOTED, came="rolled back because I say so")],
    ],
    ids=["one way only", "without a reason", "before the test ended", "a promotion that calls itself a rollback"],
)
def test_less_is_not_the_drill(tmp_path: Path, entries: list[Entry]) -> None:
    assert not finding(tmp_path, entries)[BACK][0]


def test_a_shadow_that_only_started_has_not_run(tmp_path: Path) -> None:
    found = finding(tmp_path, [*PROMOTIONS, ENDED, drill(1, 1), drill(2, 2, until="")], shadow="False")
    assert found["a model has run as a shadow"] == (False, "production has started no shadow")
