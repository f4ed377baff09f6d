"""The built-in oc prints what kubectl prints: both are run against the same server and compared."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.workshop.lab.serving import Lab
from workshop.lab.kinds import built_in

Run = Callable[..., Any]

FILES = """
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, labels: {app: x}, annotations: {note: "a: b"}}
data: {a: "1", b: "yes", c: "two\\nlines\\n", d: "0x1f", e: "12:30:45", f: "a & b < c", g: "", h: "2026-01-01"}
---
apiVersion: v1
kind: Secret
metadata: {name: hidden}
stringData: {password: open sesame, p: q}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: x}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: c, image: "x:1", command: [sh, -c, "echo hello to everybody in this rather long line that is folded"]}
---
apiVersion: tekton.dev/v1
kind: Task
metadata: {name: hello}
spec:
  description: says hello
  params: [{name: who, default: you}]
  steps: [{name: s, image: busybox, script: "#!/bin/sh\\necho hello\\n"}]
"""


def plain(text: str, namespace: str) -> str:
    """Without what differs from one moment and one program to the next."""
    text = re.sub(r"\b\d+(ms|s|m|h)(\d+s)?\b", "AGE", text)
    text = re.sub(r"(AGE|LAST SEEN) +", r"\1 ", text)
    return re.sub(r"AGE +", "AGE ", text).replace(namespace, "NS").replace("kubectl", "oc")


@pytest.fixture
def filled(lab: Lab, namespace: str, oc: Run) -> None:
    fill(lab, namespace, oc)


def fill(lab: Lab, namespace: str, oc: Run) -> None:
    """Objects of several kinds, two finished Pods with logs, events."""
    assert oc("apply", "-f", "-", stdin=FILES).returncode == 0
    for name, labels, phase in (("p1", {"run": "r", "app": "x"}, "Succeeded"), ("p2", {"run": "r"}, "Running")):
        pod = {
            "metadata": {"name": name, "namespace": namespace, "labels": labels},
            "spec": {
                "containers": [{"name": "step-one", "image": "busybox"}, {"name": "step-two", "image": "busybox"}]
            },
            "status": {
                "phase": phase,
                "conditions": [{"type": "Ready", "status": "True"}],
                "containerStatuses": [
                    {
                        "name": n,
                        "ready": False,
                        "restartCount": 0,
                        "image": "b",
                        "imageID": "",
                        "state": {"terminated": {"exitCode": 0, "reason": "Completed"}},
                    }
                    for n in ("step-one", "step-two")
                ],
            },
        }
        made = lab.call(lab.store.create, built_in("Pod"), pod)
        for container in ("step-one", "step-two"):
            file = lab.state.container_log(namespace, name, container)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(f"{name} {container}\nlast line\n")
        for count in (1, 3):
            event = {
                "metadata": {"name": f"{name}.{count}", "namespace": namespace},
                "type": "Normal",
                "reason": "Started",
                "message": "it began",
                "count": count,
                "source": {"component": "lab"},
                "firstTimestamp": "2026-01-01T00:00:00Z",
                "lastTimestamp": f"2026-01-0{count}T00:00:00Z",
                "involvedObject": {
                    "kind": "Pod",
                    "name": name,
                    "namespace": namespace,
                    "uid": made["metadata"]["uid"],
                    "apiVersion": "v1",
                },
            }
            lab.call(lab.store.create, built_in("Event"), event)


@pytest.mark.parametrize(
    "words",
    [
        "get pods",
        "get pods -o wide",
        "get pods --show-labels",
        "get pods -L run,app",
        "get pods --no-headers",
        "get pods -l app=x",
        "get pods -l app=none",
        "get pods --field-selector status.phase=Running",
        "get pods,cm,deploy",
        "get all",
        "get pod/p1 cm/settings",
        "get pods p1 p2",
        "get pods -o name",
        "get pods -o json",
        "get pods -o yaml",
        "get cm settings -o json",
        "get cm settings -o yaml",
        "get deploy web -o yaml",
        "get task hello -o yaml",
        "get task hello -o json",
        "get pods --sort-by=.metadata.name",
        "get pods -o jsonpath={.items[*].metadata.name}",
        "get cm settings -o jsonpath={.data}",
        "get cm settings -o jsonpath={.data.f}",
        "get pods -o jsonpath={range.items[*]}{.metadata.name}{'\\n'}{end}",
        "get pods -o custom-columns=N:.metadata.name,P:.status.phase,X:.nope",
        "get events",
        "get events -o wide",
        "get pods nope --ignore-not-found",
        "get pods nope",
        "get nope",
        "get pods p1 nope",
        "get pod/nope cm/nope",
        "get ns nope",
        "get taskruns",
        "events",
        "events --for pod/p1",
        "describe task hello",
        "describe deploy nope",
        "logs p1",
        "logs p1 -c step-two",
        "logs p1 step-two",
        "logs p1 --all-containers",
        "logs p1 --tail=1",
        "logs -l run=r --all-containers --prefix",
        "logs -l run=r --tail=1",
        "logs nope",
        "logs -l run=none",
        "wait --for=condition=Ready pod/p1 --timeout=2s",
        "wait --for=condition=Ready=false pod/p1 --timeout=1s",
        "wait --for=jsonpath={.status.phase}=Succeeded pod/p1 --timeout=2s",
        "wait --for=jsonpath={.data.a}=1 cm/settings --timeout=2s",
        "wait --for=condition=Ready pod -l run=r --timeout=2s",
        "wait --for=condition=Ready pod/nope --timeout=1s",
        "wait --for=delete pod/nope --timeout=1s",
        "wait --for=create cm/settings --timeout=1s",
        "rollout status deploy/nope",
        "scale deploy nope --replicas=1",
        "delete cm nope",
        "delete cm nope --ignore-not-found",
        "patch cm nope -p {}",
        "label cm settings app=y",
        "annotate cm settings note=c",
        "apply -f /nope.yaml",
        "create -f /nope.yaml",
        "api-resources",
        "api-resources -o name",
        "api-resources --namespaced=false",
        "explain task",
        "explain pod.spec.nope",
        "auth can-i create pods",
        "config current-context",
        "create cm q --from-literal=a=b --dry-run=client -o yaml",
    ],
)
def test_reading_and_failing_look_alike(words: str, filled: None, namespace: str, oc: Run, kubectl: Run) -> None:
    theirs, mine = kubectl(*words.split()), oc(*words.split())
    assert mine.returncode == theirs.returncode
    if "logs -l" in words or "--all-containers" in words:  # kubectl takes them in no order
        assert sorted(mine.stdout.splitlines()) == sorted(theirs.stdout.splitlines())
        return
    assert plain(mine.stdout, namespace) == plain(theirs.stdout, namespace)
    assert plain(mine.stderr, namespace) == plain(theirs.stderr, namespace)


@pytest.mark.parametrize(
    "words",
    ["describe configmap settings", "describe configmap settings --show-events=false", "describe secret hidden"],
)
def test_contents_are_described_alike(words: str, filled: None, namespace: str, oc: Run, kubectl: Run) -> None:
    """kubectl shuffles the keys at every call."""
    mine, theirs = oc(*words.split()), kubectl(*words.split())
    assert mine.returncode == theirs.returncode == 0
    assert sorted(mine.stdout.splitlines()) == sorted(theirs.stdout.splitlines())
    assert "b3BlbiBzZXNhbWU" not in mine.stdout


@pytest.mark.parametrize(
    "words",
    [
        "label cm settings new=v",
        "label cm settings app=y --overwrite",
        "label cm settings app-",
        "label cm --all z=1",
        "annotate cm settings note=c --overwrite",
        "annotate cm settings note-",
        "delete cm settings",
        "delete pods -l run=r",
        "delete deploy/web task/hello",
        'patch cm settings -p {"data":{"a":"9"}}',
        "scale deploy web --replicas=5",
        'patch task hello --type=merge -p {"spec":{"description":"new"}}',
        'patch cm settings --type=json -p [{"op":"remove","path":"/data/a"}]',
        "rollout restart deploy/web",
        "create cm fresh --from-literal=a=b",
        "create ns fresh-ns-of-test",
        "create secret generic s --from-literal=a=b",
        "create sa robot",
        "apply -f - --server-side",
        "apply -f - --dry-run=server",
        "apply -f -",
        "create -f -",
    ],
)
def test_writing_looks_alike(words: str, filled: None, namespace: str, lab: Lab, oc: Run, kubectl: Run) -> None:
    """kubectl goes first; what it changed is put back before the built-in oc does the same."""
    new = (
        FILES.replace("settings", "fresh").replace("hidden", "fresh").replace("web", "fresh").replace("hello", "fresh")
    )
    stdin = (new if "create" in words else FILES.replace('a: "1"', 'a: "2"')) if "-f -" in words else ""
    theirs = kubectl(*words.split(), stdin=stdin)
    lab.ask("DELETE", "/api/v1/namespaces/fresh-ns-of-test")
    lab.ask("DELETE", f"/api/v1/namespaces/{namespace}")
    lab.ask("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})
    fill(lab, namespace, oc)
    mine = oc(*words.split(), stdin=stdin)
    lab.ask("DELETE", "/api/v1/namespaces/fresh-ns-of-test")
    assert mine.returncode == theirs.returncode, mine.stderr
    assert plain(mine.stdout, namespace) == plain(theirs.stdout, namespace)
    assert plain(mine.stderr, namespace) == plain(theirs.stderr, namespace)
