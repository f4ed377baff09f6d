"""The Pods of a listener, and their log."""

from __future__ import annotations

import json
from typing import Any

from tests.kit import until
from tests.workshop.lab.controllers.triggers.conftest import NAMESPACE, Bench, interceptor, listener, template
from workshop.lab.controllers.triggers import logbook
from workshop.lab.kinds import built_in
from workshop.manifests.objects import Object

PATH = f"/{NAMESPACE}/listener"
SIGNED = interceptor("github", secretRef={"secretName": "github-webhook", "secretKey": "secret"})


def pods(bench: Bench) -> list[Object]:
    return bench.store.objects(built_in("Pod"))


def lines(bench: Bench) -> list[dict[str, Any]]:
    bench.made()
    paths = sorted((bench.state.root / "pods").glob("*/*/logs/event-listener.log"))
    return [json.loads(line) for path in paths for line in path.read_text().splitlines()]


def test_a_listener_has_the_deployment_that_its_conditions_speak_of_and_a_pod(bench: Bench) -> None:
    bench.put(template(a="x"))
    bench.put(listener({"name": "one", "template": {"ref": "note"}}))
    (pod,) = until(lambda: pods(bench))
    deployment = bench.store.get(built_in("Deployment"), NAMESPACE, "el-listener")
    assert deployment["spec"]["selector"]["matchLabels"].items() <= pod["metadata"]["labels"].items()
    assert deployment["status"]["availableReplicas"] == 1
    assert pod["spec"]["serviceAccountName"] == "pipeline"
    assert pod["status"]["phase"] == "Running"
    assert [one["name"] for one in pod["spec"]["containers"]] == ["event-listener"]


def test_the_listener_gets_the_service_and_the_pods_that_it_asks_for(bench: Bench) -> None:
    bench.put(template(a="x"))
    wanted = {
        "replicas": 2,
        "serviceType": "NodePort",
        "servicePort": 80,
        "spec": {
            "template": {
                "metadata": {"labels": {"team": "blue"}, "annotations": {"note": "here"}},
                "spec": {
                    "serviceAccountName": "other",
                    "nodeSelector": {"app": "test"},
                    "containers": [{"resources": {"limits": {"memory": "128Mi"}}}],
                },
            }
        },
    }
    bench.put(listener({"name": "one", "template": {"ref": "note"}}, resources={"kubernetesResource": wanted}))
    first, second = until(lambda: len(pods(bench)) == 2 and pods(bench))
    service = bench.store.get(built_in("Service"), NAMESPACE, "el-listener")
    assert service["spec"]["type"] == "NodePort"
    assert [port["port"] for port in service["spec"]["ports"]] == [80, 9000]
    assert first["metadata"]["labels"]["team"] == second["metadata"]["labels"]["team"] == "blue"
    assert first["metadata"]["annotations"] == {"note": "here"}
    assert first["spec"]["serviceAccountName"] == "other"
    assert first["spec"]["nodeSelector"] == {"app": "test"}
    assert first["spec"]["containers"][0]["resources"] == {"limits": {"memory": "128Mi"}}

    wanted |= {"replicas": 1, "serviceType": "ClusterIP"}
    bench.put(listener({"name": "one", "template": {"ref": "note"}}, resources={"kubernetesResource": wanted}))
    assert until(lambda: len(pods(bench)) == 1)
    assert until(lambda: bench.store.get(built_in("Deployment"), NAMESPACE, "el-listener")["status"]["replicas"] == 1)
    assert bench.store.get(built_in("Service"), NAMESPACE, "el-listener")["spec"]["type"] == "ClusterIP"


def test_the_log_has_the_outcome_of_each_event(bench: Bench) -> None:
    bench.put(template(a="x"))
    bench.put(listener({"name": "one", "template": {"ref": "note"}, "interceptors": [SIGNED]}))
    good = bench.push(PATH, {}).body["eventID"]
    bad = bench.push(PATH, {"token": "hidden"}, secret=b"wrong").body["eventID"]
    bench.post(PATH, b"no json")
    created, refused, broken = lines(bench)
    assert created["/triggers-eventid"] == good
    assert created["msg"].startswith("created ConfigMap note-")
    assert (refused["level"], refused["/triggers-eventid"], refused["/trigger"]) == ("warn", bad, "one")
    assert refused["msg"] == (
        "interceptor stopped trigger processing: rpc error: code = FailedPrecondition desc = payload signature check "
        "failed"
    )
    assert broken["level"] == "error"
    assert broken["msg"].startswith("Invalid event body format")
    assert {line["eventlistener"] for line in (created, refused, broken)} == {"listener"}
    assert "hidden" not in json.dumps(refused)


def test_the_log_of_a_flood_stays_small(bench: Bench, monkeypatch: Any) -> None:
    monkeypatch.setattr(logbook, "MAX_BYTES", 2000)
    bench.put(template(a="x"))
    bench.put(listener({"name": "one", "template": {"ref": "note"}, "interceptors": [SIGNED]}))
    for _ in range(30):
        bench.push(PATH, {}, secret=b"wrong")
    bench.made()
    files = list((bench.state.root / "pods").glob("*/*/logs/*"))
    assert len(files) == 2
    assert sum(one.stat().st_size for one in files) < 6000


def test_a_listener_that_goes_takes_the_logs_of_its_pods_along(bench: Bench) -> None:
    bench.put(template(a="x"))
    bench.put(listener({"name": "one", "template": {"ref": "note"}}))
    bench.post(PATH, {})
    assert lines(bench)
    bench._run(lambda: bench.store.delete(built_in("EventListener"), NAMESPACE, "listener"))
    assert until(lambda: not list((bench.state.root / "pods").glob("*/*")))
    assert pods(bench) == []


def test_a_pod_that_is_deleted_comes_back(bench: Bench) -> None:
    bench.put(template(a="x"))
    bench.put(listener({"name": "one", "template": {"ref": "note"}}))
    (pod,) = until(lambda: pods(bench))
    bench._run(lambda: bench.store.delete(built_in("Pod"), NAMESPACE, pod["metadata"]["name"]))
    assert until(lambda: [one["metadata"]["uid"] for one in pods(bench)] not in ([], [pod["metadata"]["uid"]]))
