"""The lab's answers to the real kubectl, command by command."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.workshop.lab.api.conftest import Run


def shown(kubectl: Run, *words: str) -> Any:
    return json.loads(kubectl("get", *words, "-o", "json").stdout)


@pytest.mark.parametrize(
    ("words", "spec"),
    [
        (
            ("service", "clusterip", "s", "--tcp=80:8080"),
            {
                "type": "ClusterIP",
                "selector": {"app": "s"},
                "sessionAffinity": "None",
                "ports": [{"name": "80-8080", "port": 80, "targetPort": 8080, "protocol": "TCP"}],
            },
        ),
        (
            ("service", "externalname", "s", "--external-name=a.org"),
            {
                "type": "ExternalName",
                "externalName": "a.org",
                "selector": {"app": "s"},
                "sessionAffinity": "None",
            },
        ),
        (
            ("poddisruptionbudget", "s", "--selector=app=x", "--min-available=50%"),
            {"minAvailable": "50%", "selector": {"matchLabels": {"app": "x"}}},
        ),
        (("quota", "s", "--hard=pods=3,limits.cpu=2"), {"hard": {"pods": "3", "limits.cpu": "2"}}),
    ],
)
def test_create_sends_protobuf_that_is_read(kubectl: Run, words: tuple[str, ...], spec: dict[str, Any]) -> None:
    made = kubectl("create", *words)
    assert made.returncode == 0, made.stderr
    kind = made.stdout.split("/")[0]
    assert shown(kubectl, kind, "s")["spec"] == spec


POD: dict[str, Any] = {
    "volumes": [
        {"name": "data", "emptyDir": {}},
        {"name": "small", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}},
        {"name": "words", "configMap": {"name": "words", "defaultMode": 420, "items": [{"key": "a", "path": "b/c"}]}},
        {"name": "secret", "secret": {"secretName": "s", "optional": False}},
        {"name": "claim", "persistentVolumeClaim": {"claimName": "c", "readOnly": True}},
    ],
    "containers": [
        {
            "name": "main",
            "image": "bash",
            "command": ["sleep"],
            "args": ["60"],
            "env": [
                {"name": "A", "value": "b"},
                {"name": "FIELD", "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.name"}}},
                {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k", "optional": True}}},
                {"name": "CPU", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu", "divisor": "1m"}}},
            ],
            "envFrom": [{"prefix": "X_", "configMapRef": {"name": "words"}}],
            "ports": [{"name": "http", "containerPort": 8080, "protocol": "TCP"}],
            "resources": {"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "100m"}},
            "volumeMounts": [{"name": "data", "mountPath": "/data", "subPath": "x"}],
            "securityContext": {"runAsUser": 0, "runAsNonRoot": False, "capabilities": {"drop": ["ALL"]}},
            "lifecycle": {"preStop": {"exec": {"command": ["sync"]}}},
        }
    ],
    "initContainers": [{"name": "first", "image": "bash"}],
    "restartPolicy": "Never",
    "terminationGracePeriodSeconds": 0,
    "automountServiceAccountToken": False,
    "nodeSelector": {"disk": "fast"},
    "serviceAccountName": "default",
    "securityContext": {"fsGroup": 1000, "supplementalGroups": [1, 2], "seccompProfile": {"type": "RuntimeDefault"}},
    "tolerations": [{"key": "k", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}],
    "priority": -5,
    "affinity": {
        "nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {
                "nodeSelectorTerms": [{"matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}]}]
            }
        }
    },
}


def test_a_copy_of_a_pod_is_sent_as_protobuf_with_all_its_fields(kubectl: Run) -> None:
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "labels": {"a": "b"}}, "spec": POD}
    assert kubectl("create", "-f", "-", stdin=json.dumps(pod)).returncode == 0
    made = kubectl("debug", "p", "--copy-to=q", "--set-image=main=other", "--keep-annotations", "--attach=false")
    assert made.returncode == 0, made.stderr
    copy, original = shown(kubectl, "pod", "q")["spec"], shown(kubectl, "pod", "p")["spec"]
    assert copy["containers"][0].pop("image") == "other"
    assert original["containers"][0].pop("image") == "bash"
    assert copy == original


def test_creating_an_absent_kind_is_refused_with_the_reason(kubectl: Run) -> None:
    refused = kubectl("create", "job", "j", "--image=x")
    assert refused.returncode == 1
    assert "there is no Job in the lab: the lab runs the Pods of Tekton and of SeldonDeployments only" in refused.stderr


def test_prune_deletes_what_left_the_manifest(kubectl: Run) -> None:
    both = [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "labels": {"set": "x"}}}
        for name in ("stays", "goes")
    ]
    for items in (both, both[:1]):
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
        done = kubectl("apply", "--prune", "-l", "set=x", "-f", "-", stdin=text)
        assert done.returncode == 0, done.stderr
    assert "configmap/goes pruned" in done.stdout
    assert [one["metadata"]["name"] for one in shown(kubectl, "configmaps", "-l", "set=x")["items"]] == ["stays"]


def test_selector_of_an_unknown_field_is_named_once(kubectl: Run) -> None:
    said = kubectl("get", "pipelineruns.tekton.dev", "--field-selector=status.x=1").stderr
    assert said.count("Unable to find") == 1 and said.endswith("field label not supported: status.x\n")


DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: c, image: "x:1"}]}}
"""


@pytest.mark.parametrize(
    "change", [(), ("set", "image", "deploy/web", "c=x:2"), ("scale", "deploy/web", "--replicas=2")]
)
def test_rollout_status_of_a_deployment_ends(change: tuple[str, ...], kubectl: Run) -> None:
    made = kubectl("apply", "-f", "-", stdin=DEPLOYMENT)
    assert made.returncode == 0 and "nothing starts" in made.stderr
    if change:
        assert kubectl(*change).returncode == 0
    done = kubectl("rollout", "status", "deploy/web", "--timeout=20s")
    assert (done.returncode, done.stderr) == (1, 'error: deployment "web" exceeded its progress deadline\n')
    why = kubectl("get", "deploy/web", "-o", "jsonpath={.status.conditions[1].message}").stdout
    assert why.endswith("this Deployment is stored and nothing starts")
