"""Commands use the lab if it was started once, else the cluster and the current project of `oc`."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.workshop.lab.api.conftest import lab, namespace  # noqa: F401
from tests.workshop.lab.serving import Lab
from workshop.cli import main
from workshop.errors import SetupError
from workshop.lab.paths import LabPaths
from workshop.lab.target import LabTarget, current_target
from workshop.participants.cluster import ClusterTarget


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


def test_a_namespace_of_the_command_line_comes_first(
    cluster: LabPaths,
    lab: Lab,  # noqa: F811
    namespace: str,  # noqa: F811
    tmp_path: Path,
) -> None:
    lab.ask("POST", "/api/v1/namespaces", {"metadata": {"name": f"{namespace}-other"}})
    file = tmp_path / "some.yaml"
    file.write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: named}\n")
    assert main(["run", "-n", f"{namespace}-other", str(file)]) == 0
    assert lab.ask("GET", f"/api/v1/namespaces/{namespace}-other/configmaps/named")[0] == 200


def test_the_target_is_the_lab_as_soon_as_its_folder_exists(cluster: LabPaths) -> None:
    assert isinstance(current_target(), ClusterTarget)
    cluster.root.mkdir()
    assert current_target() == LabTarget(cluster)
    with pytest.raises(SetupError, match="no such kubeconfig"):
        current_target().client()


def test_the_environment_of_a_cluster_is_what_tasks_get(
    cluster: LabPaths,
    lab: Lab,  # noqa: F811
    namespace: str,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(SetupError, match="a participant's own"):
        ClusterTarget().env()
    monkeypatch.setenv("DEV_NAMESPACE", f"{namespace}-dev")
    lab.ask("POST", "/api/v1/namespaces", {"metadata": {"name": f"{namespace}-dev"}})
    with pytest.raises(SetupError, match="no ConfigMap mlops-endpoints"):
        ClusterTarget().env()
    data = {"MLFLOW_TRACKING_URI": "http://mlflow", "PRODUCTION_URL": "http://model/"}
    made = {"metadata": {"name": "mlops-endpoints"}, "data": data}
    assert lab.ask("POST", f"/api/v1/namespaces/{namespace}-dev/configmaps", made)[0] == 201
    env = ClusterTarget().env()
    assert env["MLFLOW_TRACKING_URI"] == env["MLFLOW_URL"] == "http://mlflow"
    assert env["PRODUCTION_URL"] == "http://model/api/v1.0/predictions"
    assert env["STAGING_NAMESPACE"] == f"{namespace}-staging"
