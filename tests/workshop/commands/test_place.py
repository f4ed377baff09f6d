"""Commands mean the lab as soon as it has been begun, and else the cluster and the project that `oc` is in."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.workshop.lab.api.conftest import lab, namespace  # noqa: F401
from tests.workshop.lab.serving import Lab
from workshop.cli import main
from workshop.commands.place import api
from workshop.errors import EnvironmentFault
from workshop.lab.paths import LabPaths


@pytest.fixture
def cluster(lab: Lab, namespace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LabPaths:  # noqa: F811
    """`oc` is logged in to a server and in a project; the state folder of a lab is not there."""
    content = yaml.safe_load(lab.state.kubeconfig.read_text())
    for context in content["contexts"]:
        context["context"]["namespace"] = namespace
    (tmp_path / "kubeconfig").write_text(yaml.safe_dump(content))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    monkeypatch.setenv("WORKSHOP_STATE", str(tmp_path / "state"))
    return LabPaths(tmp_path / "state")


def test_a_run_goes_to_the_current_project(cluster: LabPaths, lab: Lab, namespace: str, tmp_path: Path) -> None:  # noqa: F811
    file = tmp_path / "some.yaml"
    file.write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: told}\n")
    assert main(["run", str(file)]) == 0
    assert lab.ask("GET", f"/api/v1/namespaces/{namespace}/configmaps/told")[0] == 200


def test_the_namespace_that_is_asked_for_comes_first(cluster: LabPaths) -> None:
    assert api(cluster, "other")[1] == "other"


def test_a_lab_that_has_not_come_up_is_not_taken_for_a_cluster(cluster: LabPaths) -> None:
    cluster.root.mkdir()
    with pytest.raises(EnvironmentFault, match="no such kubeconfig"):
        api(cluster)
