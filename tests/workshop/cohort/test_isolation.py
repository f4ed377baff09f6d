"""Participants of one room are closed to each other. tests/cluster asks the same of a cluster."""

from __future__ import annotations

from tests.cluster import isolation
from tests.workshop.cohort.conftest import Cohort
from tests.workshop.lab.serving import Lab


def test_a_participant_gets_nothing_of_another_one_and_changes_no_limits(cohort: Cohort, lab: Lab) -> None:
    assert cohort("provision", "--users", "2")[0] == 0
    names = ["s1", "s2"]
    config = lab.state.kubeconfig
    assert isolation.allowed(config, isolation.foreign(names, ("get", "create", "patch", "delete"))) == []
    assert isolation.allowed(config, isolation.production(names)) == [], "its own pipelines alone change it"
    assert isolation.allowed(config, isolation.clusterwide(names)) == []
    assert isolation.allowed(config, isolation.quota("s1")) == []
    own = [question._replace(namespace="s1-dev") for question in isolation.quota("s1")[:1]]
    readable = [question._replace(resource="secrets", verb="get") for question in own]
    assert isolation.allowed(config, readable) == readable, "their own project is theirs"
