"""What the real kubectl is told, command by command."""

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


def test_create_of_what_the_lab_has_none_of_says_why(kubectl: Run) -> None:
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
