"""`workshop approve NAME --timeout` waits for an approval that does not exist yet."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.workshop.lab.serving import Lab
from workshop.cluster import config
from workshop.cluster.client import Client
from workshop.commands.approve import _waited_for
from workshop.errors import UsageError

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
