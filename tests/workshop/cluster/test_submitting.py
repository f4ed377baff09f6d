"""`workshop run` submits what `kubectl create` would."""

from __future__ import annotations

import pytest

from tests.workshop.lab.serving import Lab
from workshop.cluster.client import Client
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
