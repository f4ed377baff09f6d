"""The Tasks that need no registry run: the Pipeline train-and-stage up to the registered model.

They need Tekton's controllers, a kubelet, the toolbox image, and the addresses that a cohort does not bring:

    make test-cluster KUBECONFIG=FILE ENDPOINTS="GIT_URL=https://... DVC_REMOTE_URL=http://..."

GIT_URL is a repository with the kit's `model/`, DVC_REMOTE_URL has its months; any other key of the ConfigMap
mlops-endpoints may follow.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cluster.conftest import Room
from workshop.cluster.client import Client
from workshop.manifests.objects import Object, condition, status_of, truth
from workshop.participants.names import ENDPOINTS, Participant

TASKS = ("fetch-source", "fetch-data", "test-code", "train", "evaluate", "gate", "register", "record")
ANSWER_SECONDS, RUN_SECONDS = 60.0, 1800.0
pytestmark = pytest.mark.timeout(RUN_SECONDS + 2 * ANSWER_SECONDS)
NO_IMAGE = ("ErrImagePull", "ImagePullBackOff", "TaskRunImagePullFailed")


@pytest.fixture(scope="module")
def ran(room: Room, names: str, client: Client) -> Iterator[dict[str, Object]]:
    """The TaskRuns of a run that has ended, by Task. Skips with a word when the cluster cannot run them."""
    given = dict(one.split("=", 1) for one in os.environ.get("WORKSHOP_TEST_ENDPOINTS", "").split())
    if "GIT_URL" not in given:
        pytest.skip("no Git server: ENDPOINTS='GIT_URL=... DVC_REMOTE_URL=...' names one that the cluster reaches")
    assert room.provision(names) == 0
    namespace = Participant(room.names[0]).namespace("dev")
    client.patch("ConfigMap", namespace, ENDPOINTS, {"data": given})
    run = client.create(_run(), namespace)
    name = run["metadata"]["name"]
    try:
        deadline = time.monotonic() + ANSWER_SECONDS
        while not (run := client.get("PipelineRun", namespace, name)).get("status"):
            if time.monotonic() > deadline:
                pytest.skip(f"no controller of Tekton has answered for {ANSWER_SECONDS:.0f} s")
            time.sleep(1)
        began = time.monotonic()
        while truth(run) == "Unknown":
            _refuse_what_cannot_run(client, namespace, name, time.monotonic() - began)
            assert time.monotonic() - began < RUN_SECONDS, condition(run)
            time.sleep(2)
            run = client.get("PipelineRun", namespace, name)
        yield {one["metadata"]["labels"]["tekton.dev/pipelineTask"]: one for one in _task_runs(client, namespace, name)}
    finally:
        client.delete("PipelineRun", namespace, name, missing_ok=True)


@pytest.mark.parametrize("task", TASKS)
def test_a_task_succeeds(task: str, ran: dict[str, Object]) -> None:
    assert task in ran, f"{task} has not run; these have: {', '.join(ran)}"
    assert truth(ran[task]) == "True", condition(ran[task])


def _run() -> Object:
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "2Gi"}}}
    workspace = {"name": "source", "volumeClaimTemplate": {"spec": claim}}
    return {
        "apiVersion": "tekton.dev/v1",
        "kind": "PipelineRun",
        "metadata": {"generateName": "test-"},
        "spec": {
            "pipelineRef": {"name": "train-and-stage"},
            "params": [{"name": "deploy", "value": "false"}],
            "taskRunTemplate": {"serviceAccountName": "pipeline"},
            "workspaces": [workspace],
        },
    }


def _task_runs(client: Client, namespace: str, run: str) -> list[Object]:
    return client.list("TaskRun", namespace, labels={"tekton.dev/pipelineRun": run})


def _refuse_what_cannot_run(client: Client, namespace: str, run: str, waited: float) -> None:
    """Skip when the first Pods cannot start: no kubelet, no volume, no image."""
    pods = client.list("Pod", namespace, labels={"tekton.dev/pipelineRun": run})
    reasons = [
        str((one.get("state") or {}).get("waiting", {}).get("reason"))
        for pod in pods
        for one in status_of(pod).get("containerStatuses") or ()
    ]
    if any(reason in NO_IMAGE for reason in reasons):
        pytest.skip("the cluster cannot pull the toolbox image; workshop cluster install builds it")
    started: list[Any] = [pod for pod in pods if status_of(pod).get("phase") != "Pending"]
    if not started and waited > ANSWER_SECONDS:
        said = [condition(pod, "PodScheduled").get("message", "") for pod in pods] or ["no Pod"]
        pytest.skip(f"no Pod has started for {ANSWER_SECONDS:.0f} s: {said[0]}")
