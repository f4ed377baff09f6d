"""The objects of a participant: one kustomization that a cluster and the lab apply."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from tests.kubectl import kustomize
from workshop.cluster.kustomize import build
from workshop.errors import SetupError
from workshop.lab.build import build_lab
from workshop.lab.components import COMPONENTS
from workshop.lab.kinds import built_in
from workshop.lab.lab import Lab
from workshop.lab.parts import Part
from workshop.lab.paths import KIT, LabPaths
from workshop.lab.ports import preferred
from workshop.lab.seed import seed_cluster, seed_participant
from workshop.lab.store import Store
from workshop.manifests.objects import Object
from workshop.manifests.quantities import number
from workshop.participants.names import PARTICIPANT, Participant
from workshop.participants.objects import WITH_MERGE_REQUESTS, participant_objects

USER1 = Participant("user1")


def keys(objects: list[Object]) -> set[tuple[str, str, str]]:
    return {(o["kind"], o["metadata"].get("namespace", ""), o["metadata"]["name"]) for o in objects}


@pytest.fixture(scope="module")
def objects() -> list[Object]:
    return participant_objects(KIT, USER1)


def made(folder: Path) -> Lab:
    """A lab that runs nothing, in which MLflow is there and Prometheus is missing."""
    lab = build_lab(LabPaths(folder), Store(), "the-token", preferred(COMPONENTS), COMPONENTS)
    lab.show(Part("mlflow", "ready", lab.url("mlflow")))
    lab.show(Part("prometheus", "missing"))
    return lab


def test_the_files_are_those_of_user1(objects: list[Object]) -> None:
    assert objects == kustomize(KIT / "tekton" / "participant")
    assert {o["metadata"]["name"] for o in objects if o["kind"] == "Namespace"} == set(USER1.namespaces)
    assert {o["metadata"]["namespace"] for o in objects if o["kind"] != "Namespace"} == set(USER1.namespaces)


def test_another_participant_gets_the_same_objects_under_their_own_names(objects: list[Object]) -> None:
    other = Participant("user10")
    found = participant_objects(KIT, other)
    assert len(found) == len(objects)
    assert "user1-" not in json.dumps(found) and "/user1/" not in json.dumps(found)
    assert keys(found) == {
        (kind, namespace.replace("user1-", "user10-"), name.replace("user1-", "user10-"))
        for kind, namespace, name in keys(objects)
    }
    endpoints = [o["data"] for o in found if o["kind"] == "ConfigMap"]
    assert len(endpoints) == 2, "one for dev, one for production"
    assert all(one["GIT_URL"].endswith("/user10/mlops-workshop.git") for one in endpoints)
    approvers = [
        param["value"]
        for pipeline in found
        for task in (pipeline["spec"]["tasks"] if pipeline["kind"] == "Pipeline" else [])
        for param in task.get("params") or []
        if param["name"] == "approvers"
    ]
    assert approvers == [["user10", "group:mlops-workshop"]] * 2


def test_pods_take_connections_from_the_same_participant_alone(objects: list[Object]) -> None:
    for participant, found in (("user1", objects), ("user10", participant_objects(KIT, Participant("user10")))):
        policies = [o for o in found if (o["kind"], o["metadata"]["name"]) == ("NetworkPolicy", "participant")]
        assert {o["metadata"]["namespace"] for o in policies} == set(Participant(participant).namespaces)
        own = {"namespaceSelector": {"matchLabels": {PARTICIPANT: participant}}}
        assert all(o["spec"]["podSelector"] == {} and o["spec"]["ingress"] == [{"from": [own]}] for o in policies)
        labelled = [o for o in found if o["kind"] == "Namespace"]
        assert all(o["metadata"]["labels"][PARTICIPANT] == participant for o in labelled)


def test_the_claims_of_the_runs_that_are_kept_fit_into_the_quota(objects: list[Object]) -> None:
    (dev,) = [o for o in objects if (o["kind"], o["metadata"]["name"]) == ("Namespace", "user1-dev")]
    kept = int(dev["metadata"]["annotations"]["operator.tekton.dev/prune.keep"])
    (quota,) = [o for o in objects if o["kind"] == "ResourceQuota" and o["metadata"]["namespace"] == "user1-dev"]
    hard = quota["spec"]["hard"]
    an_hour, services = 8, 2
    # Runs until the next time, and the claims of 5 GiB of the notebook and of MLflow. A claim of a run has 2 GiB.
    assert kept + an_hour + services <= int(hard["persistentvolumeclaims"])
    assert ((kept + an_hour) * 2 + services * 5) * 2**30 <= number(hard["requests.storage"])


def test_models_pull_their_image_from_dev() -> None:
    for name in ("user1", "user10"):
        (found,) = [o for o in participant_objects(KIT, Participant(name)) if o["metadata"]["name"] == "image-pullers"]
        assert found["metadata"]["namespace"] == f"{name}-dev" and found["roleRef"]["name"] == "system:image-puller"
        groups = {subject["name"] for subject in found["subjects"]}
        assert groups == {f"system:serviceaccounts:{name}-{stage}" for stage in ("staging", "production")}


def test_a_kustomization_that_cannot_be_built_is_an_error_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=str(tmp_path)):
        participant_objects(tmp_path, USER1)


def seed(lab: Lab, objects: list[Object]) -> None:
    seed_cluster(lab.store)
    seed_participant(lab, objects)


def test_the_lab_applies_what_a_cluster_applies(objects: list[Object], tmp_path: Path) -> None:
    lab = made(tmp_path)
    seed(lab, objects)
    for obj in objects:
        kind = lab.store.kinds.of(obj["apiVersion"], obj["kind"])
        if kind is None:
            assert obj["kind"] == "GrafanaDatasource"
            continue
        found = lab.store.get(kind, obj["metadata"].get("namespace", ""), obj["metadata"]["name"])
        expected = obj["metadata"].get("labels") or {}
        assert expected.items() <= (found["metadata"].get("labels") or {}).items()
        assert found.get("subjects") == obj.get("subjects") and found.get("rules") == obj.get("rules")


def test_the_lab_gives_its_own_addresses_under_the_same_names(objects: list[Object], tmp_path: Path) -> None:
    lab = made(tmp_path)
    seed(lab, objects)
    for cluster in [o for o in objects if o["metadata"]["name"] == "mlops-endpoints"]:
        found = lab.store.get(built_in("ConfigMap"), cluster["metadata"]["namespace"], "mlops-endpoints")["data"]
        assert set(found) == set(cluster["data"]) - {"PROMETHEUS_URL"}, "there is no Prometheus"
        assert found["MLFLOW_TRACKING_URI"] == lab.url("mlflow")
        assert found["PRODUCTION_LISTENER_URL"] == f"{lab.url('events')}/user1-production/production"
    secret = lab.store.get(built_in("Secret"), "user1-dev", "mlops-credentials")["data"]
    tokens = {name: base64.b64decode(value) for name, value in secret.items()}
    assert tokens == {"MLFLOW_TRACKING_TOKEN": b"the-token", "PROMETHEUS_TOKEN": b"the-token"}


def test_the_lab_runs_the_folder_of_merge_requests_of_each_repository(objects: list[Object], tmp_path: Path) -> None:
    """A cluster without Pipelines as Code has no such kind: `oc apply -k tekton/participant` leaves it out."""
    assert not [o for o in objects if o["kind"] == "Repository"]
    found = build(KIT / WITH_MERGE_REQUESTS)
    (added,) = [o for o in found if o["kind"] == "Repository"]
    assert [o for o in found if o is not added] == objects
    assert added["metadata"]["labels"][PARTICIPANT] == "user1"
    (endpoints,) = [o for o in objects if o["kind"] == "ConfigMap" and o["metadata"]["namespace"] == "user1-dev"]
    assert f"{added['spec']['url']}.git" == endpoints["data"]["GIT_URL"]
    lab = made(tmp_path)
    for _ in range(2):
        seed(lab, found)
    spec = lab.store.get(built_in("Repository"), "user1-dev", "mlops-workshop")["spec"]
    assert spec["url"] == f"{lab.url('git')}/mlops-workshop"


def test_a_second_start_keeps_what_the_participant_changed(objects: list[Object], tmp_path: Path) -> None:
    lab = made(tmp_path)
    seed(lab, objects)
    kind = built_in("RoleBinding")
    old = lab.store.get(kind, "user1-staging", "pipeline")
    lab.store.update(kind, {**old, "metadata": {**old["metadata"], "labels": {"mine": "yes"}}})
    lab.show(Part("mlflow", "ready", "http://127.0.0.1:7"))
    seed(lab, objects)
    assert lab.store.get(kind, "user1-staging", "pipeline")["metadata"]["labels"] == {"mine": "yes"}
    endpoints = lab.store.get(built_in("ConfigMap"), "user1-dev", "mlops-endpoints")
    assert endpoints["data"]["MLFLOW_TRACKING_URI"] == "http://127.0.0.1:7"


def test_a_start_brings_productions_pipelines_to_those_of_the_kit(objects: list[Object], tmp_path: Path) -> None:
    lab = made(tmp_path)
    seed(lab, objects)
    kind = built_in("Pipeline")
    old = lab.store.get(kind, "user1-production", "promote")
    lab.store.update(kind, {**old, "spec": {**old["spec"], "tasks": []}})
    seed(lab, objects)
    again = lab.store.get(kind, "user1-production", "promote")
    assert again["spec"] == old["spec"]
    seed(lab, objects)
    third = lab.store.get(kind, "user1-production", "promote")
    assert third["metadata"]["resourceVersion"] == again["metadata"]["resourceVersion"], "nothing has changed"
