"""What the API server refuses in the Pod of a TaskRun, in its words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from workshop.lab.controllers.tekton.children import is_custom
from workshop.lab.controllers.tekton.errors import RunError
from workshop.lab.controllers.tekton.podrules import refuse_bad_pod
from workshop.lab.controllers.tekton.pods import pod_plan
from workshop.lab.controllers.tekton.workspaces import Bound
from workshop.manifests.tekton import PipelineTask, TaskSpec

REF = {"configMapKeyRef": {"name": "c", "key": "k"}}
CASES: list[tuple[dict[str, Any], str]] = [
    ({"env": [{"name": "A", "value": "b", "valueFrom": REF}]},
     'env[0].valueFrom: Invalid value: "": may not be specified when `value` is not empty'),
    ({"env": [{"name": "A", "valueFrom": {}}]},
     'env[0].valueFrom: Invalid value: "": must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or '
     "`secretKeyRef`"),
    ({"env": [{"name": "A=B", "value": "c"}]},
     'env[0].name: Invalid value: "A=B": a valid environment variable name must consist only of printable ASCII '
     "characters other than '='"),
    ({"env": [{"name": "", "value": "c"}]}, "env[0].name: Required value"),
    ({"volumeMounts": [{"name": "w", "mountPath": "/w"}]}, 'volumeMounts[0].name: Not found: "w"'),
    ({"volumeMounts": [{"name": "v", "mountPath": "/v"}, {"name": "v", "mountPath": "/v"}]},
     'volumeMounts[1].mountPath: Invalid value: "/v": must be unique'),
    ({"imagePullPolicy": "always"},
     'imagePullPolicy: Unsupported value: "always": supported values: "Always", "IfNotPresent", "Never"'),
]  # fmt: skip


def refused(step: dict[str, Any]) -> str:
    """The message for a Task of one step and a volume `v`; empty if the Pod is accepted."""
    spec = {"steps": [{"name": "s", "image": "bash", **step}], "volumes": [{"name": "v", "emptyDir": {}}]}
    run = {"metadata": {"name": "r", "namespace": "n"}, "spec": {"taskSpec": spec}}
    plan = pod_plan(run, "r-pod", msgspec.convert(spec, TaskSpec), Bound(), Path("r-pod"))
    try:
        refuse_bad_pod(run, plan)
    except RunError as e:
        return f"{e.reason}: {e.message}"
    return ""


@pytest.mark.parametrize(("step", "said"), CASES)
def test_a_pod_is_refused_in_the_words_of_the_api_server(step: dict[str, Any], said: str) -> None:
    start = 'PodCreationFailed: failed to create task run pod "r": Pod "r-pod" is invalid: spec.containers[0].'
    assert refused(step) == f"{start}{said}. Maybe invalid TaskSpec"


def test_all_that_is_wrong_is_in_one_message() -> None:
    both = "[spec.containers[0].env[0].name: Required value, spec.containers[0].volumeMounts[0].name: Required value]"
    assert both in refused({"env": [{"name": ""}], "volumeMounts": [{"name": "", "mountPath": "/v"}]})
    assert refused({"env": [{"name": "A", "valueFrom": REF}], "volumeMounts": [{"name": "v", "mountPath": "/v"}]}) == ""


@pytest.mark.parametrize(
    ("ref", "expected"), [({"apiVersion": "tekton.dev/v1", "kind": "Task"}, True), ({"kind": "Task"}, False)]
)
def test_a_task_with_an_api_version_is_a_custom_task(ref: dict[str, str], expected: bool) -> None:
    assert is_custom(msgspec.convert({"name": "a", "taskRef": {"name": "t", **ref}}, PipelineTask)) is expected
