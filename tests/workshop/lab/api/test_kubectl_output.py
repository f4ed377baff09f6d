"""The output of kubectl in the lab: it reads, fails, writes and deletes as on a cluster."""

from __future__ import annotations

import re

import pytest

from tests.workshop.lab.api.conftest import Run
from tests.workshop.lab.serving import Lab
from workshop.lab.kinds import built_in

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


@pytest.fixture
def filled(lab: Lab, namespace: str, kubectl: Run) -> None:
    """Objects of several kinds, two finished Pods with logs, events."""
    assert kubectl("apply", "-f", "-", stdin=FILES).returncode == 0
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


def words_of(text: str, namespace: str) -> str:
    """One space between words, and without what differs from one run to the next."""
    text = re.sub(r"\b\d+(ms|s|m|h|d)(\d+[smh])?\b", "AGE", text).replace(namespace, "NS")
    return "\n".join(" ".join(line.split()) for line in text.splitlines() if line.strip())


@pytest.mark.parametrize(
    ("command", "printed"),
    [
        ("get pods", "NAME READY STATUS RESTARTS AGE\np1 0/2 Completed 0 AGE\np2 0/2 Completed 0 AGE"),
        ("get pods -o wide -l app=x --no-headers", "p1 0/2 Completed 0 AGE <none> <none> <none> <none>"),
        ("get pods --show-labels --no-headers -l app=x", "p1 0/2 Completed 0 AGE app=x,run=r"),
        ("get pods -L run,app --no-headers", "p1 0/2 Completed 0 AGE r x\np2 0/2 Completed 0 AGE r"),
        ("get pods --field-selector status.phase=Running -o name", "pod/p2"),
        ("get pods --sort-by=.metadata.creationTimestamp -o name", "pod/p1\npod/p2"),
        (
            "get cm,deploy",
            "NAME DATA AGE\nconfigmap/settings 8 AGE\n"
            "NAME READY UP-TO-DATE AVAILABLE AGE\ndeployment.apps/web 0/2 0 0 AGE",
        ),
        ("get all -o name", "pod/p1\npod/p2\ndeployment.apps/web"),
        ("get pod/p1 cm/settings -o name", "pod/p1\nconfigmap/settings"),
        ("get pods nope --ignore-not-found", ""),
        ("get cm settings -o jsonpath={.data.f}", "a & b < c"),
        ("get pods -o jsonpath={range.items[*]}{.metadata.name}{'\\n'}{end}", "p1\np2"),
        (
            "get pods -o custom-columns=N:.metadata.name,P:.status.phase,X:.nope",
            "N P X\np1 Succeeded <none>\np2 Running <none>",
        ),
        (
            "get events -o wide --no-headers --field-selector involvedObject.name=p1",
            "AGE Normal Started pod/p1 lab it began AGE 1 p1.1\nAGE Normal Started pod/p1 lab it began AGE 3 p1.3",
        ),
        (
            "events --for pod/p1 --no-headers",
            "AGE Normal Started Pod/p1 it began\nAGE (x3 over AGE) Normal Started Pod/p1 it began",
        ),
        ("logs p1 -c step-two", "p1 step-two\nlast line"),
        ("logs p1 -c step-one --tail=1", "last line"),
        ("wait --for=condition=Ready pod -l run=r --timeout=2s", "pod/p1 condition met\npod/p2 condition met"),
        ("wait --for=jsonpath={.data.a}=1 cm/settings --timeout=2s", "configmap/settings condition met"),
        ("wait --for=create cm/settings --timeout=1s", "configmap/settings condition met"),
        ("wait --for=delete pod/nope --timeout=1s", ""),
        ("auth can-i create pods", "yes"),
        ("auth whoami -o jsonpath={.status.userInfo.username}", "user1"),
        ("delete cm nope --ignore-not-found", ""),
        ("api-resources --api-group=route.openshift.io -o name", "routes.route.openshift.io"),
    ],
)
def test_reading(command: str, printed: str, filled: None, namespace: str, kubectl: Run) -> None:
    done = kubectl(*command.split())
    assert done.returncode == 0, done.stderr
    assert words_of(done.stdout, namespace) == printed


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("get pods nope", 'Error from server (NotFound): pods "nope" not found'),
        ("get nope", 'error: the server doesn\'t have a resource type "nope"'),
        (
            "get pod/nope cm/nope",
            'Error from server (NotFound): pods "nope" not found\n'
            'Error from server (NotFound): configmaps "nope" not found',
        ),
        ("describe deploy nope", 'Error from server (NotFound): deployments.apps "nope" not found'),
        ("rollout status deploy/nope", 'Error from server (NotFound): deployments.apps "nope" not found'),
        ("logs nope", 'error: error from server (NotFound): pods "nope" not found in namespace "NS"'),
        (
            "wait --for=condition=Ready=false pod/p1 --timeout=1s",
            "error: timed out waiting for the condition on pods/p1",
        ),
        ("wait --for=condition=Ready pod/nope --timeout=1s", 'Error from server (NotFound): pods "nope" not found'),
        ("patch cm nope -p {}", 'Error from server (NotFound): configmaps "nope" not found'),
        ("delete cm nope", 'Error from server (NotFound): configmaps "nope" not found'),
        ("label cm settings app=y", "error: 'app' already has a value (x), and --overwrite is false"),
        ("explain pod.spec.nope", 'error: field "nope" does not exist'),
    ],
)
def test_failing(command: str, said: str, filled: None, namespace: str, kubectl: Run) -> None:
    done = kubectl(*command.split())
    assert done.returncode == 1
    assert words_of(done.stderr, namespace).replace("AGE", "1s") == said


def test_describing(filled: None, kubectl: Run) -> None:
    settings = kubectl("describe", "configmap", "settings").stdout
    assert "\nf:\n----\na & b < c\n" in settings and settings.endswith("Events:  <none>\n")
    hidden = kubectl("describe", "secret", "hidden").stdout
    assert "password:  11 bytes" in hidden and "b3BlbiBzZXNhbWU" not in hidden
    task = kubectl("describe", "task", "hello").stdout
    assert "Description:  says hello" in task and "Type:     string" in task
    pod = kubectl("describe", "pod", "p1")
    assert pod.returncode == 0 and "it began" in pod.stdout, pod.stderr


def test_logs_of_all_containers_come_in_any_order(filled: None, kubectl: Run) -> None:
    done = kubectl("logs", "-l", "run=r", "--all-containers", "--prefix", "--tail=1")
    assert sorted(done.stdout.splitlines()) == [
        f"[pod/{pod}/step-{step}] last line" for pod in ("p1", "p2") for step in ("one", "two")
    ]


def test_explaining(kubectl: Run) -> None:
    shown = kubectl("explain", "task.spec.steps.image")
    assert shown.returncode == 0, shown.stderr
    assert "KIND:       Task" in shown.stdout and "FIELD: image <string>" in shown.stdout


@pytest.mark.parametrize(
    ("command", "printed", "left"),
    [
        ("label cm settings new=v", "configmap/settings labeled", "cm settings {.metadata.labels.new} v"),
        ("label cm settings app=y --overwrite", "configmap/settings labeled", "cm settings {.metadata.labels.app} y"),
        ("label cm settings app-", "configmap/settings unlabeled", "cm settings {.metadata.labels.app} "),
        ("annotate cm settings note-", "configmap/settings annotated", "cm settings {.metadata.annotations.note} "),
        ('patch cm settings -p {"data":{"a":"9"}}', "configmap/settings patched", "cm settings {.data.a} 9"),
        (
            'patch cm settings --type=json -p [{"op":"remove","path":"/data/a"}]',
            "configmap/settings patched",
            "cm settings {.data.a} ",
        ),
        (
            'patch task hello --type=merge -p {"spec":{"description":"new"}}',
            "task.tekton.dev/hello patched",
            "task hello {.spec.description} new",
        ),
        ("scale deploy web --replicas=5", "deployment.apps/web scaled", "deploy web {.spec.replicas} 5"),
        ("set image deploy/web c=y:2", "deployment.apps/web image updated", "deploy web {..containers[0].image} y:2"),
        ("set env deploy/web A=b", "deployment.apps/web env updated", "deploy web {..containers[0].env[0].value} b"),
        ("create cm fresh --from-literal=a=b", "configmap/fresh created", "cm fresh {.data.a} b"),
        ("create secret generic s --from-literal=a=b", "secret/s created", "secret s {.data.a} Yg=="),
        ("create sa robot", "serviceaccount/robot created", "sa robot {.metadata.name} robot"),
        ("delete cm settings", 'configmap "settings" deleted from NS namespace', "cm settings {.metadata.name} "),
        (
            "delete pods -l run=r",
            'pod "p1" deleted from NS namespace\npod "p2" deleted from NS namespace',
            "pod p1 {.metadata.name} ",
        ),
    ],
)
def test_writing(command: str, printed: str, left: str, filled: None, namespace: str, kubectl: Run) -> None:
    done = kubectl(*command.split())
    assert done.returncode == 0, done.stderr
    assert words_of(done.stdout, namespace) == printed
    kind, name, path, value = left.split(" ")
    found = kubectl("get", kind, name, "--ignore-not-found", "-o", f"jsonpath={path}")
    assert (found.returncode, found.stdout) == (0, value)


def test_applying_again_changes_what_differs(filled: None, kubectl: Run) -> None:
    again = FILES.replace('a: "1"', 'a: "2"').replace('b: "yes", ', "")
    dry = kubectl("apply", "-f", "-", "--dry-run=server", stdin=again)
    assert "configmap/settings configured (server dry run)\n" in dry.stdout, dry.stderr
    assert "deployment.apps/web unchanged (server dry run)\n" in dry.stdout
    difference = kubectl("diff", "-f", "-", stdin=again)
    assert difference.returncode == 1, difference.stderr
    assert '-  a: "1"' in difference.stdout and '+  a: "2"' in difference.stdout
    done = kubectl("apply", "-f", "-", stdin=again)
    assert "configmap/settings configured\n" in done.stdout and "deployment.apps/web unchanged\n" in done.stdout
    data = kubectl("get", "cm", "settings", "-o", "jsonpath={.data.a} {.data.b}").stdout
    assert data == "2 ", "a key that left the manifest is gone"


def test_applying_on_the_server_after_the_client_names_the_conflict(filled: None, kubectl: Run) -> None:
    changed = FILES.replace('a: "1"', 'a: "2"')
    refused = kubectl("apply", "--server-side", "-f", "-", stdin=changed)
    assert refused.returncode == 1
    assert 'conflict with "kubectl-client-side-apply" using v1: .data.a' in refused.stderr
    forced = kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=changed)
    assert forced.returncode == 0, forced.stderr
    assert "configmap/settings serverside-applied\n" in forced.stdout
    assert kubectl("get", "cm", "settings", "-o", "jsonpath={.data.a}").stdout == "2"
