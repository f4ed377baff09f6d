"""SeldonDeployments are served in the three versions of Seldon Core's definition, and stored once."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.workshop.lab.api.conftest import Run
from tests.workshop.lab.serving import Lab

GROUP = "machinelearning.seldon.io"
OLD = ("v1alpha2", "v1alpha3")


def _manifest(version: str) -> dict[str, Any]:
    containers = {"spec": {"containers": [{"name": "m", "image": "m@sha256:" + "0" * 64}]}}
    predictor = {"name": "main", "graph": {"name": "m", "type": "MODEL"}, "componentSpecs": [containers]}
    return {
        "apiVersion": f"{GROUP}/{version}",
        "kind": "SeldonDeployment",
        "metadata": {"name": "m"},
        "spec": {"predictors": [predictor]},
    }


def _path(version: str, namespace: str, name: str = "") -> str:
    return f"/apis/{GROUP}/{version}/namespaces/{namespace}/seldondeployments{'/' + name if name else ''}"


@pytest.mark.parametrize("version", OLD)
def test_kubectl_applies_an_older_version_and_gets_every_version(kubectl: Run, version: str) -> None:
    applied = kubectl("apply", "-f", "-", stdin=json.dumps(_manifest(version)))
    assert applied.returncode == 0, applied.stderr
    assert kubectl("get", "sdep", "m", "-o", "jsonpath={.apiVersion}").stdout == f"{GROUP}/v1"
    for one in (*OLD, "v1"):
        got = kubectl("get", f"seldondeployments.{one}.{GROUP}", "m", "-o", "json")
        assert json.loads(got.stdout)["apiVersion"] == f"{GROUP}/{one}"
    assert "unchanged" in kubectl("apply", "-f", "-", stdin=json.dumps(_manifest(version))).stdout
    assert kubectl("delete", f"seldondeployments.{version}.{GROUP}", "m").returncode == 0
    assert kubectl("get", "sdep", "-o", "name").stdout == ""


@pytest.mark.parametrize("version", OLD)
def test_an_older_version_is_validated_like_v1(lab: Lab, namespace: str, version: str) -> None:
    wrong = _manifest(version)
    wrong["spec"]["predictors"][0]["nonsense"] = 1
    status, answer = lab.ask("POST", _path(version, namespace) + "?fieldValidation=Strict", wrong)
    assert status == 400 and "nonsense" in answer["message"]


@pytest.mark.parametrize("version", OLD)
def test_lists_and_writes_answer_in_the_version_of_the_request(lab: Lab, namespace: str, version: str) -> None:
    status, made = lab.ask("POST", _path("v1", namespace), _manifest("v1"))
    assert status == 201
    assert lab.ask("GET", _path(version, namespace))[1]["items"][0]["metadata"]["uid"] == made["metadata"]["uid"]
    sent = {**_manifest(version), "metadata": {**made["metadata"], "labels": {"a": "b"}}}
    status, written = lab.ask("PUT", _path(version, namespace, "m"), sent)
    assert (status, written["apiVersion"]) == (200, f"{GROUP}/{version}")
    stored = lab.ask("GET", _path("v1", namespace, "m"))[1]
    assert (stored["apiVersion"], stored["metadata"]["labels"]) == (f"{GROUP}/v1", {"a": "b"})


def test_v1_is_preferred_and_every_version_is_discovered(lab: Lab) -> None:
    group = lab.ask("GET", f"/apis/{GROUP}")[1]
    assert [one["version"] for one in group["versions"]] == ["v1", "v1alpha3", "v1alpha2"]
    assert group["preferredVersion"]["version"] == "v1"


def test_seldon_cores_definition_changes_nothing_about_the_versions(kubectl: Run) -> None:
    names = {"plural": "seldondeployments", "kind": "SeldonDeployment", "shortNames": ["sdep"]}
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    versions = [{"name": v, "served": True, "storage": v == "v1", "schema": schema} for v in (*OLD, "v1")]
    crd = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"seldondeployments.{GROUP}"},
        "spec": {"group": GROUP, "scope": "Namespaced", "names": names, "versions": versions},
    }
    assert kubectl("apply", "-f", "-", stdin=json.dumps(crd)).returncode == 0
    assert kubectl("apply", "-f", "-", stdin=json.dumps(_manifest("v1alpha2"))).returncode == 0
    assert kubectl("get", "sdep", "-o", "name").stdout == f"seldondeployment.{GROUP}/m\n"
    listed = kubectl("api-resources", f"--api-group={GROUP}", "--no-headers").stdout
    assert listed.count("seldondeployments") == 1
    assert kubectl("delete", "crd", f"seldondeployments.{GROUP}").returncode == 0
    assert kubectl("get", f"sdep.v1alpha2.{GROUP}", "-o", "name").stdout == f"seldondeployment.{GROUP}/m\n"
