"""The check of module 17 wants a drill that something has caught: a Task of any run, or an alert."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.workshop.checks.test_m01 import Objects
from workshop.checks import CheckContext, m17
from workshop.checks.finding import DRILLS
from workshop.participants.names import Participant


class Editable(Objects):
    """A cluster in which a reset deletes."""

    def delete(self, kind: str, namespace: str, name: str, *, missing_ok: bool = False) -> None:
        del self.held[kind, namespace, name]


def context(cluster: Objects, clone: Path) -> CheckContext:
    return CheckContext(cluster, Participant("user1").variables({}), clone)


@pytest.mark.parametrize(
    ("drill", "evidence"), [("bad-data", "Task fetch-data: row 3"), ("schema-change", "alert FeatureRefused: 12 s")]
)
def test_a_drill_counts_whatever_has_caught_it(tmp_path: Path, drill: str, evidence: str) -> None:
    cluster = Editable()
    assert not m17.check(context(cluster, tmp_path))[0].ok
    cluster.put("ConfigMap", "user1-dev", DRILLS, data={drill: evidence})
    found = m17.check(context(cluster, tmp_path))[0]
    assert found.ok and found.reason == f"{drill}: {evidence}"
    assert m17.reset(context(cluster, tmp_path), cluster)[0] == f"forgot the drills {drill}"
    assert not m17.check(context(cluster, tmp_path))[0].ok
