"""A cohort as files for Argo CD: what is written, and what provisioning adds after a sync."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.workshop.cohort.conftest import Cohort
from tests.workshop.lab.serving import Lab
from workshop.cli import main
from workshop.cluster.client import Client
from workshop.cluster.kustomize import build

REPOSITORY = "https://git.example/room.git"


def export(cohort: Cohort, folder: Path, *words: str) -> list[dict[str, Any]]:
    code, events = cohort("export", "--to", str(folder), "--repository", REPOSITORY, *words)
    assert code == 0
    return events


def test_each_participant_gets_a_folder_that_kustomize_builds(cohort: Cohort, lab: Lab, tmp_path: Path) -> None:
    (event,) = export(cohort, tmp_path, "--users", "2")
    assert event["participants"] == 2 and "git-login" in event["secrets"]
    assert sorted(one.name for one in (tmp_path / "participants").iterdir()) == ["s1", "s2"]
    objects = build(tmp_path / "participants/s2")
    spaces = {one["metadata"]["name"] for one in objects if one["kind"] == "Namespace"}
    assert spaces == {"s2-dev", "s2-staging", "s2-production"} and len(objects) > 60


def test_no_random_value_is_in_the_files(cohort: Cohort, lab: Lab, tmp_path: Path) -> None:
    cohort("provision", "--users", "1")
    (event,) = export(cohort, tmp_path)
    kept = {one["metadata"]["name"] for one in build(tmp_path / "participants/s1") if one["kind"] == "Secret"}
    assert event["secrets"] and not kept & set(event["secrets"])


def test_provisioning_after_a_sync_writes_the_secrets_alone(cohort: Cohort, lab: Lab, tmp_path: Path) -> None:
    (event,) = export(cohort, tmp_path, "--users", "1")
    client = Client.load(lab.state.kubeconfig)
    for obj in build(tmp_path / "participants/s1"):
        resource = client.resource_of(obj)
        path = resource.path(obj["metadata"].get("namespace"), obj["metadata"]["name"])
        query = {"fieldManager": "argocd-controller", "force": "true"}
        client.http.request("PATCH", path, query=query, body=obj, media="application/apply-patch+yaml")
    code, events = cohort("provision", "--users", "1")
    secrets = lab.ask("GET", "/api/v1/secrets?labelSelector=mlops-workshop/cohort%3Droom")[1]["items"]
    made = [one for one in secrets if one["metadata"]["name"] in event["secrets"]]
    assert code == 0 and events[-1]["written"] == len(made) > 0


def test_a_participant_who_left_is_no_longer_in_the_files(cohort: Cohort, lab: Lab, tmp_path: Path) -> None:
    export(cohort, tmp_path, "--users", "2")
    export(cohort, tmp_path, "--users", "1")
    assert [one.name for one in (tmp_path / "participants").iterdir()] == ["s1"]


def test_a_folder_with_something_else_stays(lab: Lab, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "participants/mine").mkdir(parents=True)
    words = ["--to", str(tmp_path), "--repository", REPOSITORY, "--users", "1"]
    assert main(["cohort", "export", "--kubeconfig", str(lab.state.kubeconfig), *words]) == 2
    assert "holds mine, which no export has written" in capsys.readouterr().err
    assert (tmp_path / "participants/mine").is_dir()


def test_the_application_set_has_an_application_for_each_folder(cohort: Cohort, lab: Lab, tmp_path: Path) -> None:
    export(cohort, tmp_path, "--users", "1", "--path", "/rooms/monday/", "--revision", "v1")
    made = yaml.safe_load((tmp_path / "applicationset.yaml").read_text())
    (generator,) = made["spec"]["generators"]
    assert generator["git"] == {
        "repoURL": REPOSITORY,
        "revision": "v1",
        "directories": [{"path": "rooms/monday/participants/*"}],
    }
    source = made["spec"]["template"]["spec"]["source"]
    assert (source["targetRevision"], source["path"]) == ("v1", "{{.path.path}}")
