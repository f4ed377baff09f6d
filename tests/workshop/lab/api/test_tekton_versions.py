"""Tekton's v1beta1 and StepAction's v1alpha1 are served as on a cluster, and stored once."""

from __future__ import annotations

import json
from typing import Any

from tests.workshop.lab.api.conftest import Run
from tests.workshop.lab.serving import Lab

STEP = {"name": "s", "image": "bash", "script": "true"}
LIMITS = {"limits": {"memory": "64Mi"}}


def _path(version: str, namespace: str, plural: str, name: str = "") -> str:
    return f"/apis/tekton.dev/{version}/namespaces/{namespace}/{plural}{'/' + name if name else ''}"


def _beta(kind: str, spec: dict[str, Any], name: str = "old") -> dict[str, Any]:
    return {"apiVersion": "tekton.dev/v1beta1", "kind": kind, "metadata": {"name": name}, "spec": spec}


def test_kubectl_applies_v1beta1_and_gets_both_versions(kubectl: Run) -> None:
    step = {**STEP, "resources": LIMITS, "livenessProbe": {"exec": {"command": ["true"]}}}
    task = _beta("Task", {"steps": [step], "stepTemplate": {"resources": LIMITS}})
    applied = kubectl("apply", "-f", "-", stdin=json.dumps(task))
    assert applied.returncode == 0, applied.stderr
    assert "unchanged" in kubectl("apply", "-f", "-", stdin=json.dumps(task)).stdout
    stored = json.loads(kubectl("get", "task", "old", "-o", "json").stdout)
    assert stored["apiVersion"] == "tekton.dev/v1"
    assert (
        stored["spec"]["steps"][0]["computeResources"] == LIMITS == stored["spec"]["stepTemplate"]["computeResources"]
    )
    assert "livenessProbe" not in stored["spec"]["steps"][0]
    again = json.loads(kubectl("get", "tasks.v1beta1.tekton.dev", "old", "-o", "json").stdout)
    assert again["apiVersion"] == "tekton.dev/v1beta1"
    assert again["spec"]["steps"][0] == step and again["spec"]["stepTemplate"]["resources"] == LIMITS
    assert "tekton.dev/v1beta1.task-deprecations" not in again["metadata"].get("annotations", {})
    assert kubectl("delete", "tasks.v1beta1.tekton.dev", "old").returncode == 0


def test_the_fields_of_runs_get_the_names_of_v1_and_back(lab: Lab, namespace: str) -> None:
    run = _beta("PipelineRun", {
        "serviceAccountName": "builder",
        "podTemplate": {"env": [{"name": "A", "value": "b"}]},
        "timeout": "5m",
        "pipelineSpec": {"tasks": [{"name": "t", "taskSpec": {"steps": [{**STEP, "resources": LIMITS}]}}]},
        "taskRunSpecs": [{
            "pipelineTaskName": "t", "taskServiceAccountName": "other",
            "stepOverrides": [{"name": "s", "resources": LIMITS}],
        }],
        "status": "PipelineRunPending",
    })  # fmt: skip
    status, made = lab.ask("POST", _path("v1beta1", namespace, "pipelineruns"), run)
    assert (status, made["apiVersion"]) == (201, "tekton.dev/v1beta1"), made
    stored = lab.ask("GET", _path("v1", namespace, "pipelineruns", "old"))[1]["spec"]
    assert stored["taskRunTemplate"] == {"serviceAccountName": "builder", **{"podTemplate": run["spec"]["podTemplate"]}}
    assert stored["timeouts"]["pipeline"] == "5m0s" and "timeout" not in stored
    (of_task,) = stored["taskRunSpecs"]
    assert of_task["serviceAccountName"] == "other"
    assert of_task["stepSpecs"] == [{"name": "s", "computeResources": LIMITS}]
    assert stored["pipelineSpec"]["tasks"][0]["taskSpec"]["steps"][0]["computeResources"] == LIMITS
    shown = lab.ask("GET", _path("v1beta1", namespace, "pipelineruns", "old"))[1]["spec"]
    assert (
        shown["serviceAccountName"] == "builder" and shown["taskRunSpecs"][0]["stepOverrides"][0]["resources"] == LIMITS
    )


def test_a_patch_is_in_the_version_of_its_address(lab: Lab, namespace: str) -> None:
    lab.ask("POST", _path("v1beta1", namespace, "tasks"), _beta("Task", {"steps": [STEP]}))
    change = {"spec": {"steps": [{**STEP, "resources": LIMITS}]}}
    media = "application/merge-patch+json"
    status, answer = lab.ask("PATCH", _path("v1beta1", namespace, "tasks", "old"), change, media=media)
    assert (status, answer["spec"]["steps"][0]["resources"]) == (200, LIMITS), answer
    stored = lab.ask("GET", _path("v1", namespace, "tasks", "old"))[1]
    assert stored["spec"]["steps"][0]["computeResources"] == LIMITS


def test_v1beta1_is_validated_like_v1(lab: Lab, namespace: str) -> None:
    wrong = _beta("Task", {"steps": [{**STEP, "nonsense": 1}]})
    status, answer = lab.ask("POST", _path("v1beta1", namespace, "tasks"), wrong)
    assert status == 400 and 'unknown field "nonsense"' in answer["message"]


def test_a_step_action_of_v1alpha1_is_stored(lab: Lab, namespace: str) -> None:
    action = {"apiVersion": "tekton.dev/v1alpha1", "kind": "StepAction", "metadata": {"name": "hello"}}
    sent = {**action, "spec": {"image": "bash", "script": "echo hi"}}
    assert lab.ask("POST", _path("v1alpha1", namespace, "stepactions"), sent)[0] == 201
    assert lab.ask("GET", _path("v1beta1", namespace, "stepactions", "hello"))[1]["spec"]["script"] == "echo hi"


def test_v1_is_preferred(lab: Lab) -> None:
    group = lab.ask("GET", "/apis/tekton.dev")[1]
    assert [one["version"] for one in group["versions"]] == ["v1", "v1beta1", "v1alpha1"]
