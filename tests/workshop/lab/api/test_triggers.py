"""Triggers' v1alpha1, and warnings: of a template of which nothing comes, of images that the lab lacks."""

from __future__ import annotations

from typing import Any

import pytest

from tests.workshop.lab.serving import Lab
from workshop.manifests.objects import Object

TEMPLATE = [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "x-"}}]


def _path(namespace: str, plural: str, version: str = "v1beta1", name: str = "") -> str:
    return f"/apis/triggers.tekton.dev/{version}/namespaces/{namespace}/{plural}{'/' + name if name else ''}"


def _warnings(lab: Lab, path: str, spec: Object) -> str:
    body = {"metadata": {"generateName": "t-"}, "spec": spec}
    answer = lab.http.request("POST", lab.server.url + path, json=body)
    assert answer.status == 201, answer.data
    return str(answer.headers.get("Warning", ""))


def _of(api_version: str, kind: str) -> list[Any]:
    return [*TEMPLATE, {"apiVersion": api_version, "kind": kind, "metadata": {"name": "x"}}]


@pytest.mark.parametrize(
    ("api_version", "kind", "why"),
    [
        ("batch/v1", "Job", "there is no Job in the lab: "),
        ("argoproj.io/v1alpha1", "Workflow", "could not find API resource for argoproj.io/v1alpha1 Workflow: "),
        ("image.openshift.io/v1", "ImageStreamTag", "the ImageStreamTag of the lab cannot be written: "),
        ("v1", "Pod", "the lab runs the Pods of Tekton and of SeldonDeployments only; this Pod is stored"),
    ],
)
def test_a_template_of_which_nothing_comes_is_stored_with_a_warning(
    lab: Lab, namespace: str, api_version: str, kind: str, why: str
) -> None:
    spec = {"resourcetemplates": _of(api_version, kind)}
    found = _warnings(lab, _path(namespace, "triggertemplates"), spec)
    assert f"spec.resourcetemplates[1]: {why}" in found
    trigger = {"template": {"spec": spec}}
    found = _warnings(lab, _path(namespace, "triggers"), trigger)
    assert f"spec.template.spec.resourcetemplates[1]: {why}" in found
    found = _warnings(lab, _path(namespace, "eventlisteners"), {"triggers": [trigger]})
    assert f"spec.triggers[0].template.spec.resourcetemplates[1]: {why}" in found


@pytest.mark.parametrize(
    ("api_version", "kind"),
    [("tekton.dev/v1beta1", "PipelineRun"), ("tekton.dev/v1", "TaskRun"), ("batch/v1", "$(tt.params.kind)")],
)
def test_a_template_that_an_event_can_create_has_no_warning(
    lab: Lab, namespace: str, api_version: str, kind: str
) -> None:
    spec = {"params": [{"name": "kind"}], "resourcetemplates": _of(api_version, kind)}
    assert _warnings(lab, _path(namespace, "triggertemplates"), spec) == ""


def test_v1alpha1_is_stored_once_and_its_interceptors_become_references(lab: Lab, namespace: str) -> None:
    secret = {"secretName": "s", "secretKey": "k"}
    trigger = {
        "name": "t",
        "interceptors": [
            {"cel": {"filter": "true", "overlays": [{"key": "a", "expression": "1"}]}},
            {"github": {"secretRef": secret, "eventTypes": ["push"]}},
            {"ref": {"name": "slack"}},
        ],
        "template": {"ref": "x"},
    }
    body = {
        "apiVersion": "triggers.tekton.dev/v1alpha1",
        "kind": "EventListener",
        "metadata": {"name": "old"},
        "spec": {"serviceAccountName": "pipeline", "triggers": [trigger]},
    }
    status, made = lab.ask("POST", _path(namespace, "eventlisteners", "v1alpha1"), body)
    assert (status, made["apiVersion"]) == (201, "triggers.tekton.dev/v1alpha1"), made
    stored = lab.ask("GET", _path(namespace, "eventlisteners", name="old"))[1]
    assert stored["apiVersion"] == "triggers.tekton.dev/v1beta1"
    cel, github, slack = stored["spec"]["triggers"][0]["interceptors"]
    assert cel == {
        "ref": {"name": "cel", "kind": "ClusterInterceptor"},
        "params": [
            {"name": "filter", "value": "true"},
            {"name": "overlays", "value": [{"key": "a", "expression": "1"}]},
        ],
    }
    assert github["ref"]["name"] == "github"
    assert github["params"] == [{"name": "secretRef", "value": secret}, {"name": "eventTypes", "value": ["push"]}]
    assert slack["ref"]["name"] == "slack" and "params" not in slack


@pytest.mark.parametrize("plural", ["triggers", "triggerbindings", "triggertemplates"])
def test_the_other_kinds_are_served_in_v1alpha1(lab: Lab, namespace: str, plural: str) -> None:
    assert lab.ask("GET", _path(namespace, plural, "v1alpha1"))[0] == 200


def test_a_task_with_an_image_that_the_process_runtime_lacks_is_stored_with_a_warning(lab: Lab, namespace: str) -> None:
    path = f"/apis/tekton.dev/v1/namespaces/{namespace}/tasks"
    images = {"a": "busybox", "b": "none:1", "c": "$(params.i)"}
    steps = [{"name": name, "image": image} for name, image in images.items()]
    found = _warnings(lab, path, {"params": [{"name": "i"}], "steps": steps})
    assert "none:1" in found
    assert "the lab pulls no images" in found
    assert found.count("299 - ") == 1
    assert _warnings(lab, path, {"steps": [{"image": "busybox"}]}) == ""
