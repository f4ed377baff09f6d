"""A Pod is admitted by a constraint that its sender or its ServiceAccount may use, and refused with the reasons."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.harness import NAMESPACE
from tests.conformance.harness import lab as tekton
from tests.workshop.lab.api.conftest import lab, namespace  # noqa: F401
from tests.workshop.lab.serving import Lab
from workshop.lab.kinds import built_in
from workshop.lab.rbac.defaults import grant, reconcile_defaults
from workshop.lab.rbac.policy import Policy
from workshop.lab.scc.admitting import PodSecurity
from workshop.lab.scc.constraints import USED
from workshop.lab.store import Store

ROOT = {"runAsUser": 0}
UNUSABLE = "Forbidden: not usable by user or serviceaccount"


def create(lab: Lab, namespace: str, context: dict[str, Any], **spec: Any) -> tuple[int, dict[str, Any]]:  # noqa: F811
    """Create a Pod as `ann`, who may edit the namespace."""
    pod = {
        "metadata": {"generateName": "p-", "name": "p"},
        "spec": {"containers": [{"name": "c", "image": "i", "securityContext": context}], **spec},
    }
    headers = {"Impersonate-User": "ann", "Impersonate-Group": "system:authenticated"}
    return lab.ask("POST", f"/api/v1/namespaces/{namespace}/pods", pod, headers=headers)


@pytest.fixture
def project(lab: Lab, namespace: str) -> str:  # noqa: F811
    """A namespace that `ann` may edit."""
    lab.call(lab.store.create, built_in("RoleBinding"), grant("edit-ann", namespace, "edit", "ann"))
    return namespace


def test_a_pod_that_asks_for_nothing_is_restricted(lab: Lab, project: str) -> None:  # noqa: F811
    code, made = create(lab, project, {})
    assert code == 201 and made["metadata"]["annotations"][USED] == "restricted-v2"


def test_root_is_refused_in_the_words_of_openshift(lab: Lab, project: str) -> None:  # noqa: F811
    code, said = create(lab, project, ROOT)
    assert (code, said["reason"], said["details"]) == (403, "Forbidden", {"name": "p", "kind": "pods"})
    assert said["message"] == (
        'pods "p" is forbidden: unable to validate against any security context constraint: '
        f'[provider "anyuid": {UNUSABLE}, provider "pipelines-scc": {UNUSABLE}, '
        "provider restricted-v2: .containers[0].runAsUser: Invalid value: 0: must be in the ranges: "
        f'[1000650000, 1000659999], provider "nonroot-v2": {UNUSABLE}, provider "privileged": {UNUSABLE}]'
    )


def test_the_constraint_of_the_service_account_counts(lab: Lab, project: str) -> None:  # noqa: F811
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "system:openshift:scc:anyuid"}
    subjects = [{"kind": "ServiceAccount", "name": "root", "namespace": project}]
    path = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{project}/rolebindings"
    assert lab.ask("POST", path, {"metadata": {"name": "anyuid"}, "roleRef": role, "subjects": subjects})[0] == 201
    assert create(lab, project, ROOT)[0] == 403, "the account default has it not"
    code, made = create(lab, project, ROOT, serviceAccountName="root")
    assert code == 201 and made["metadata"]["annotations"][USED] == "anyuid"
    assert create(lab, project, {"privileged": True}, serviceAccountName="root")[0] == 403


def test_a_dry_run_is_refused_too(lab: Lab, project: str) -> None:  # noqa: F811
    pod = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "securityContext": ROOT}]}}
    headers = {"Impersonate-User": "ann", "Impersonate-Group": "system:authenticated"}
    path = f"/api/v1/namespaces/{project}/pods?dryRun=All"
    assert lab.ask("POST", path, pod, headers=headers)[0] == 403


def test_tasks_run_as_any_user_and_never_privileged(tmp_path: Path) -> None:
    store = Store()
    reconcile_defaults(store)

    def run(name: str, context: dict[str, Any]) -> dict[str, Any]:
        steps = [{"name": "s", "image": "busybox", "script": "true", "securityContext": context}]
        return {
            "apiVersion": "tekton.dev/v1",
            "kind": "TaskRun",
            "metadata": {"name": name},
            "spec": {"taskSpec": {"steps": steps}},
        }

    async def scenario() -> None:
        async with tekton(tmp_path, store, security=PodSecurity(Policy(store))) as running:
            running.create(run("root", ROOT))
            running.create(run("privileged", {"privileged": True}))
            assert running.reason(await running.done("TaskRun", "root"))[:2] == ("True", "Succeeded")
            assert running.get("Pod", "root-pod")["metadata"]["annotations"][USED] == "pipelines-scc"
            status, reason, message = running.reason(await running.done("TaskRun", "privileged"))
            assert (status, reason) == ("False", "PodAdmissionFailed")
            assert message.startswith('pods "privileged-pod" is forbidden: unable to validate against any security')
            assert "provider pipelines-scc: .containers[0].privileged: Invalid value: true: Privileged" in message
            assert running.find("Pod", "privileged-pod", NAMESPACE) is None

    asyncio.run(scenario())
