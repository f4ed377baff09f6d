"""`workshop run` submits what `kubectl create` would."""

from __future__ import annotations

import pytest

from tests.workshop.lab.serving import Lab
from workshop.cluster.client import Client
from workshop.cluster.runs import Progress
from workshop.errors import ManifestError
from workshop.manifests.load import parse
from workshop.operations.runs import submit


def _submitted(lab: Lab, namespace: str, text: str) -> None:
    submit(Client.load(lab.state.kubeconfig), parse(text), namespace, timeout=5, quiet=True)


def test_an_object_with_a_generated_name_is_created_each_time(lab: Lab, namespace: str) -> None:
    for _ in range(2):
        _submitted(lab, namespace, "apiVersion: v1\nkind: ConfigMap\nmetadata: {generateName: conf-}\n")
    _, found = lab.ask("GET", f"/api/v1/namespaces/{namespace}/configmaps")
    assert len([one for one in found["items"] if one["metadata"]["name"].startswith("conf-")]) == 2


@pytest.mark.parametrize("metadata", ["", "metadata: {}\n", "metadata: {labels: {a: b}}\n"])
@pytest.mark.parametrize("kind", ["v1\nkind: ConfigMap", "tekton.dev/v1\nkind: TaskRun"])
def test_an_object_without_a_name_is_refused_with_its_place(lab: Lab, namespace: str, kind: str, metadata: str) -> None:
    with pytest.raises(ManifestError, match=":1: metadata has no name"):
        _submitted(lab, namespace, f"apiVersion: {kind}\n{metadata}")


def test_runs_that_are_stale_are_cancelled_and_followed_to_their_end(lab: Lab, namespace: str) -> None:
    client = Client.load(lab.state.kubeconfig)

    def look(found: Progress) -> None:
        """End the run as Tekton does after a cancel."""
        run = client.get("TaskRun", namespace, found.name)
        if run["spec"].get("status") == "TaskRunCancelled" and not found.done:
            ended = {"type": "Succeeded", "status": "False", "reason": "TaskRunCancelled", "message": "cancelled"}
            client.update({**run, "status": {"conditions": [ended]}}, subresource="status")

    step = "steps: [{image: busybox, script: sleep 60}]"
    text = f"apiVersion: tekton.dev/v1\nkind: TaskRun\nmetadata: {{generateName: r-}}\nspec: {{taskSpec: {{{step}}}}}\n"
    finished = submit(client, parse(text), namespace, timeout=5, quiet=True, look=look, is_stale=lambda: True)
    assert [(one.done, one.succeeded) for one in finished] == [(True, False)]
