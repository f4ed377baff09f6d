"""`workshop approve NAME --timeout` waits for an approval that does not exist yet."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.signedruns import run
from tests.workshop.lab.serving import Lab
from workshop.cluster import config
from workshop.cluster.client import Client
from workshop.commands.approve import _waited_for
from workshop.errors import RunFailed, SetupError, UsageError

TASK = {
    "metadata": {"name": "later"},
    "spec": {"approvers": [{"name": "user1", "input": "pending"}], "numberOfApprovalsRequired": 1},
}
PATH = "/apis/openshift-pipelines.org/v1alpha1/namespaces/user1-dev/approvaltasks"


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    made = Lab(tmp_path / "lab")
    yield made
    made.stop()


def test_approve_waits_until_the_named_approval_exists(lab: Lab) -> None:
    client = Client(config.find(lab.state.kubeconfig))
    timer = threading.Timer(0.8, lambda: lab.ask("POST", PATH, TASK))
    timer.start()
    found = _waited_for(client, "user1-dev", "later", 20, "approve")
    timer.join()
    assert found["metadata"]["name"] == "later"


def test_without_time_to_wait_the_name_is_an_error_at_once(lab: Lab) -> None:
    with pytest.raises(UsageError, match="there is no approval later in user1-dev"):
        _waited_for(Client(config.find(lab.state.kubeconfig)), "user1-dev", "later", 0, "approve")


@pytest.mark.parametrize("ago", [5, 600])
def test_a_promotion_that_was_refused_before_it_asked_is_named_at_once(lab: Lab, ago: int) -> None:
    ended = (datetime.now(UTC) - timedelta(seconds=ago)).strftime("%Y-%m-%dT%H:%M:%SZ")
    failed = run("promote-1", 0, pipeline="promote", succeeded="False")
    path = "/apis/tekton.dev/v1/namespaces/user1-dev/pipelineruns"
    status, made = lab.ask("POST", path, {key: value for key, value in failed.items() if key != "status"})
    assert status == 201, made
    conditions = [{"type": "Succeeded", "status": "False", "reason": "Failed", "message": "the gate was disabled"}]
    said = {**made, "status": {"conditions": conditions, "completionTime": ended}}
    assert lab.ask("PUT", f"{path}/promote-1/status", said)[0] == 200
    client = Client(config.find(lab.state.kubeconfig))
    if ago == 5:
        with pytest.raises(RunFailed, match="promote-1 failed: the gate was disabled"):
            _waited_for(client, "user1-dev", "", 60, "approve")
    else:
        with pytest.raises(SetupError, match="no approval waits in user1-dev"):
            _waited_for(client, "user1-dev", "", 0, "approve")
