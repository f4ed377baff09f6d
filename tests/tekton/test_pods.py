"""The Pods that Tekton makes of the kit's Tasks run under the SCC restricted-v2, but for those with a reason here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.tekton.scripts import tasks
from workshop.lab.controllers.tekton.pods import pod_object, pod_plan
from workshop.lab.controllers.tekton.workspaces import Bound
from workshop.manifests.objects import Object
from workshop.manifests.tekton import TaskSpec

TASKS = tasks()
VOLUMES = {
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
}
PIPELINES_SCC = {
    "s2i-build": "buildah maps users and writes files of all owners: root of the container with the default "
    "capabilities and SETFCAP, which OpenShift's pipelines-scc allows the account pipeline",
}
"""Tasks that need more, and why. pipelines-scc is in cmd/openshift/operator/kodata of tektoncd/operator."""


def pod(task: Object) -> dict[str, Any]:
    """The Pod of a TaskRun of a Task, as the lab makes it; its params are not filled in."""
    meta = {"name": "run", "namespace": "user1-dev", "uid": "1", "labels": {}, "annotations": {}}
    run = {
        "apiVersion": "tekton.dev/v1",
        "kind": "TaskRun",
        "metadata": meta,
        "spec": {"serviceAccountName": "pipeline"},
    }
    plan = pod_plan(run, "run-pod", msgspec.convert(task["spec"], TaskSpec), Bound(), Path("/"))
    spec: dict[str, Any] = pod_object(run, "run-pod", plan)["spec"]
    return spec


def more_than_restricted(spec: dict[str, Any]) -> list[str]:
    """What restricted-v2 and the Pod Security Standard `restricted` would refuse, and defaults that are left open."""
    found = [f"{field} is set" for field in ("hostNetwork", "hostPID", "hostIPC") if spec.get(field)]
    for volume in spec["volumes"]:
        found += [f"volume {volume['name']} is a {kind}" for kind in set(volume) - VOLUMES - {"name"}]
    for one in spec["containers"]:
        context, name = one.get("securityContext") or {}, one["name"]
        capabilities = context.get("capabilities") or {}
        wanted = {
            "allowPrivilegeEscalation": context.get("allowPrivilegeEscalation") is False,
            "runAsNonRoot": context.get("runAsNonRoot") is True,
            "drop ALL": capabilities.get("drop") == ["ALL"],
            "no capability": set(capabilities.get("add") or []) <= {"NET_BIND_SERVICE"},
            "seccompProfile": (context.get("seccompProfile") or {}).get("type") == "RuntimeDefault",
            # OpenShift chooses the user id.
            "no runAsUser": "runAsUser" not in context,
            "not privileged": not context.get("privileged"),
            "no host port": not any(port.get("hostPort") for port in one.get("ports") or []),
        }
        found += [f"{name}: {what}" for what, ok in wanted.items() if not ok]
        assert set(one["resources"]) == {"requests", "limits"}, name
    return found


@pytest.mark.parametrize("name", sorted(set(TASKS) - set(PIPELINES_SCC)))
def test_a_tasks_pod_is_admitted_by_restricted_v2(name: str) -> None:
    assert more_than_restricted(pod(TASKS[name])) == []


@pytest.mark.parametrize("name", PIPELINES_SCC)
def test_a_pod_that_needs_more_needs_no_more_than_pipelines_scc(name: str) -> None:
    spec = pod(TASKS[name])
    needs = [one["securityContext"] for one in spec["containers"]]
    assert more_than_restricted(spec), "it needs nothing: take it out of the list"
    for context in needs:
        assert set((context.get("capabilities") or {}).get("add") or []) <= {"SETFCAP"}
        # Its allowPrivilegeEscalation is false, and it has no seccompProfiles: a Pod that names one is refused.
        assert context["allowPrivilegeEscalation"] is False and "seccompProfile" not in context
        assert not context.get("privileged")
    for one in spec["containers"]:
        if "add" not in (one["securityContext"].get("capabilities") or {}):
            assert (
                one["securityContext"]["capabilities"] == {"drop": ["ALL"]} and one["securityContext"]["runAsNonRoot"]
            )


def test_the_step_that_builds_keeps_the_capabilities_that_buildah_needs() -> None:
    (build,) = [one for one in pod(TASKS["s2i-build"])["containers"] if one["name"] == "step-build"]
    assert build["securityContext"]["capabilities"] == {"add": ["SETFCAP"]}, (
        "seen: `drop: [ALL]` ends in EPERM at gid_map"
    )
