"""A room of three: provisioned, provisioned again, closed to each other, removed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cluster import isolation
from tests.cluster.conftest import Room, attempt
from workshop.cluster.client import ApiFailure, Client
from workshop.participants.names import COHORT, Participant


def test_a_room_is_provisioned_and_the_second_time_nothing_is_written(
    room: Room, names: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, events = room.run(capsys, "provision", "--from-file", names)
    assert code == 0 and events[-1]["written"] > 100
    code, events = room.run(capsys, "provision", "--from-file", names)
    assert code == 0 and events[-1]["written"] == 0 and events[-1]["unchanged"] > 100


def test_a_participant_gets_nothing_of_another_one(room: Room, names: str, kubeconfig: Path) -> None:
    assert isolation.allowed(kubeconfig, isolation.foreign(room.names)) == []


def test_nobody_changes_production_but_its_own_pipelines(room: Room, names: str, kubeconfig: Path) -> None:
    assert isolation.allowed(kubeconfig, isolation.production(room.names)) == []


def test_a_participant_changes_nothing_of_the_cluster(room: Room, names: str, kubeconfig: Path) -> None:
    assert isolation.allowed(kubeconfig, isolation.clusterwide(room.names)) == []


def test_a_participant_does_not_change_their_own_limits(room: Room, names: str, kubeconfig: Path) -> None:
    assert isolation.allowed(kubeconfig, isolation.quota(room.names[0])) == []


def test_real_attempts_on_a_neighbour_are_refused(room: Room, names: str, client: Client) -> None:
    me, neighbour = (Participant(name) for name in room.names[:2])
    account = f"system:serviceaccount:{me.namespace('dev')}:pipeline"
    for user in (me.name, account):
        for namespace in neighbour.namespaces:
            core = f"/api/v1/namespaces/{namespace}"
            tasks = f"/apis/tekton.dev/v1/namespaces/{namespace}/taskruns"
            pod = {"metadata": {"name": "x"}, "spec": {"containers": [{"name": "x", "image": "x"}]}}
            for method, path, body in (
                ("GET", f"{core}/secrets", None),
                ("GET", f"{core}/secrets/git-login", None),
                ("DELETE", f"{core}/configmaps/mlops-endpoints", None),
                ("POST", f"{core}/pods", pod),
                ("POST", tasks, {"metadata": {"name": "x"}, "spec": {"taskRef": {"name": "gate"}}}),
                ("DELETE", f"/api/v1/namespaces/{namespace}", None),
            ):
                assert attempt(client, user, ("system:authenticated",), method, path, body) == 403, (user, method, path)


def test_their_own_dev_is_theirs(room: Room, names: str, client: Client) -> None:
    me = Participant(room.names[0])
    path = f"/api/v1/namespaces/{me.namespace('dev')}/secrets/git-login"
    assert attempt(client, me.name, ("system:authenticated",), "GET", path) == 0


def test_teardown_leaves_nothing(room: Room, names: str, client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    code, events = room.run(capsys, "teardown", "--yes")
    assert code == 0 and events[-1]["participants"] == 3 and events[-1]["left"] == []
    assert client.list("namespaces", everywhere=True, labels={COHORT: room.cohort}) == []
    with pytest.raises(ApiFailure):
        client.get("namespace", None, Participant(room.names[0]).namespace("dev"))
