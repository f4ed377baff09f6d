"""A step uses the API as the ServiceAccount of its run, and may do what its roles grant."""

from __future__ import annotations

import asyncio
import shlex
from pathlib import Path

import pytest

from tests.conformance.harness import Lab, lab
from tests.workshop.lab.serving import Server
from workshop.cluster.kubectl import kubectl
from workshop.lab.api import auth
from workshop.lab.api.app import build
from workshop.lab.build import build_lab
from workshop.lab.kinds import built_in
from workshop.lab.kubelet.credentials import TARGET, Credentials
from workshop.lab.paths import LabPaths
from workshop.lab.rbac.defaults import reconcile_defaults
from workshop.lab.store import Store

RUN = """
apiVersion: tekton.dev/v1
kind: TaskRun
metadata: {name: r}
spec:
  serviceAccountName: robot
  taskSpec:
    steps:
      - name: s
        image: busybox
        script: |
          set -u
          echo "namespace $(cat TARGET/namespace)"
          head -1 TARGET/ca.crt
          test "$(cat TARGET/token)" = "$(grep -o 'eyJ[^"]*' "$KUBECONFIG")" && echo "the same token"
          echo "https://$KUBERNETES_SERVICE_HOST:$KUBERNETES_SERVICE_PORT"
          KUBECTL auth whoami -o jsonpath='{.status.userInfo.username}{"\\n"}'
          KUBECTL get configmap mine -o name
          KUBECTL delete configmap mine || echo "refused"
"""
RULES = [{"verbs": ["get"], "apiGroups": [""], "resources": ["configmaps"]}]


def seeded() -> Store:
    store = Store()
    reconcile_defaults(store)
    made = {"metadata": {"name": "default"}}
    store.create(built_in("Namespace"), made)
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"}
    subject = {"kind": "ServiceAccount", "name": "robot", "namespace": "default"}
    for kind, name, fields in (
        ("ServiceAccount", "robot", {}),
        ("ConfigMap", "mine", {"data": {"a": "b"}}),
        ("Role", "reader", {"rules": RULES}),
        ("RoleBinding", "reader", {"roleRef": role, "subjects": [subject]}),
    ):
        store.create(built_in(kind), {"metadata": {"name": name, "namespace": "default"}, **fields})
    return store


async def ended(folder: Path, store: Store, text: str) -> tuple[Lab, Server]:
    """Run a TaskRun beside an API server; the lab has stopped when this returns."""
    paths = LabPaths(folder / "api")
    certificate = auth.certificate(paths.tls)
    made = build_lab(paths, store, "token", {}, {})
    server = Server(build(made), certificate)
    await server.start()
    credentials = Credentials(made.identities.accounts, server.url, certificate.authority)
    async with lab(folder, store, credentials=credentials) as running:
        running.apply(text)
        await running.done("TaskRun", "r")
        await running.until(lambda: not (running.state.pod("default", "r-pod") / "kubeconfig").exists())
    return running, server


def test_a_step_has_the_rights_of_its_account_and_no_others(tmp_path: Path) -> None:
    async def scenario() -> None:
        text = RUN.replace("TARGET", TARGET).replace("KUBECTL", shlex.quote(kubectl()))
        running, server = await ended(tmp_path, seeded(), text)
        log = running.log("r-pod").read_text()
        assert log.splitlines() == [
            "namespace default",
            "-----BEGIN CERTIFICATE-----",
            "the same token",
            server.url,
            "system:serviceaccount:default:robot",
            "configmap/mine",
            'Error from server (Forbidden): configmaps "mine" is forbidden: User "system:serviceaccount:default:robot" '
            'cannot delete resource "configmaps" in API group "" in the namespace "default"',
            "refused",
        ]
        await server.stop()

    asyncio.run(scenario())


def test_a_run_whose_account_is_missing_fails_as_on_a_cluster(tmp_path: Path) -> None:
    async def scenario() -> None:
        store = Store()
        running, server = await ended(tmp_path, store, RUN)
        condition = running.get("TaskRun", "r")["status"]["conditions"][0]
        assert (condition["status"], condition["reason"]) == ("False", "PodCreationFailed")
        assert condition["message"] == (
            'failed to create task run pod "r": translating TaskSpec to Pod: serviceaccounts "robot" not found. '
            "Maybe invalid TaskSpec"
        )
        await server.stop()

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("automount", "template", "mounted"),
    [(True, "", True), (False, "", False), (False, "true", True), (True, "false", False)],
)
def test_an_account_or_a_pod_may_mount_no_token(tmp_path: Path, automount: bool, template: str, mounted: bool) -> None:
    async def scenario() -> None:
        store = seeded()
        account = store.get(built_in("ServiceAccount"), "default", "robot")
        store.update(built_in("ServiceAccount"), {**account, "automountServiceAccountToken": automount})
        script = 'echo "${KUBECONFIG:+has} ${KUBERNETES_SERVICE_HOST:-none}"'
        text = RUN[: RUN.index("script:")] + f"script: '{script}'\n"
        if template:
            text += f"  podTemplate: {{automountServiceAccountToken: {template}}}\n"
        running, server = await ended(tmp_path, store, text)
        assert running.log("r-pod").read_text() == ("has 127.0.0.1\n" if mounted else " none\n")
        await server.stop()

    asyncio.run(scenario())


def test_a_projected_token_has_its_own_audience(tmp_path: Path) -> None:
    async def scenario() -> None:
        text = """
apiVersion: tekton.dev/v1
kind: TaskRun
metadata: {name: r}
spec:
  serviceAccountName: robot
  taskSpec:
    volumes:
      - name: token
        projected: {sources: [{serviceAccountToken: {path: vault/token, audience: vault}}]}
    steps:
      - name: s
        image: busybox
        script: cat /token/vault/token
        volumeMounts: [{name: token, mountPath: /token}]
"""
        store = seeded()
        running, server = await ended(tmp_path, store, text)
        token = running.log("r-pod").read_text().strip()
        assert token.count(".") == 2 and running.reason(running.get("TaskRun", "r"))[0] == "True"
        await server.stop()

    asyncio.run(scenario())
