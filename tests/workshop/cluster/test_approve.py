"""The approval that `workshop approve` chooses, also when it was answered in the browser before."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from tests.workshop.lab.serving import Lab
from workshop.checks.runs import PUSHER
from workshop.cluster.client import Client
from workshop.commands import approve
from workshop.errors import SetupError

SPEC: dict[str, Any] = {
    "approvers": [{"name": "user1", "type": "User", "input": "pending"}],
    "numberOfApprovalsRequired": 1,
    "description": "?",
}


@pytest.fixture
def client(lab: Lab, namespace: str) -> Client:
    return Client.load(lab.state.kubeconfig, namespace=namespace)


@pytest.fixture(autouse=True)
def settle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(approve, "SETTLE_SECONDS", 0.5)


def _asked(client: Client, run: str, state: str, *, pushed: bool = True, ended: bool = False) -> None:
    """A run and its approval."""
    annotations = {PUSHER: "user1"} if pushed else {}
    made = client.create(
        {
            "apiVersion": "tekton.dev/v1",
            "kind": "PipelineRun",
            "metadata": {"name": run, "annotations": annotations},
            "spec": {"pipelineRef": {"name": "promote"}},
        }
    )
    if ended:
        client.update({**made, "status": {"completionTime": "2026-01-05T10:01:17Z"}}, subresource="status")
    task = client.create(
        {
            "apiVersion": "openshift-pipelines.org/v1alpha1",
            "kind": "ApprovalTask",
            "metadata": {"name": f"{run}-approve", "labels": {"tekton.dev/pipelineRun": run}},
            "spec": SPEC,
        }
    )
    client.update({**task, "status": {"state": state}}, subresource="status")


def _meant(client: Client, namespace: str, seconds: float = 5, wish: str = "approve") -> str:
    return str(approve._waited_for(client, namespace, "", seconds, wish)["metadata"]["name"])


def test_the_one_that_waits_is_meant_at_once(client: Client, namespace: str) -> None:
    _asked(client, "old", "approved", ended=True)
    _asked(client, "new", "pending")
    began = time.monotonic()
    assert _meant(client, namespace, seconds=60) == "new-approve"
    assert time.monotonic() - began < 20


@pytest.mark.parametrize("ended", [False, True])
def test_an_approval_answered_in_the_browser_is_found_before_the_timeout(
    client: Client, namespace: str, ended: bool
) -> None:
    _asked(client, "pushed", "approved", ended=ended)
    began = time.monotonic()
    assert _meant(client, namespace, seconds=60) == "pushed-approve"
    assert time.monotonic() - began < 20


def test_an_earlier_one_gives_way_to_one_that_appears_after_the_push(client: Client, namespace: str) -> None:
    approve.SETTLE_SECONDS = 30  # undone with the fixture's
    _asked(client, "v1", "approved", ended=True)
    later = threading.Timer(1, _asked, (client, "v2", "pending"))
    later.start()
    assert _meant(client, namespace, seconds=60) == "v2-approve"
    later.join()


@pytest.mark.parametrize(
    ("state", "pushed", "wish"),
    [("approved", False, "approve"), ("rejected", True, "approve"), ("approved", True, "reject")],
)
def test_an_older_approval_or_one_with_another_answer_is_not_used(
    client: Client, namespace: str, state: str, pushed: bool, wish: str
) -> None:
    _asked(client, "other", state, pushed=pushed, ended=True)
    with pytest.raises(SetupError, match="no approval waits"):
        _meant(client, namespace, seconds=1, wish=wish)
