"""The responses to a sender, and the effects of an event."""

from __future__ import annotations

import http.client
import importlib
import re
import socket
import threading
import time
import urllib.request

import pytest

from tests.workshop.lab.controllers.triggers.conftest import NAMESPACE, Bench, interceptor, listener, template
from workshop.lab.kinds import built_in
from workshop.manifests.objects import Object

# The package has a function of the same name.
sink = importlib.import_module("workshop.lab.controllers.triggers.sink")
PATH = f"/{NAMESPACE}/listener"


def simple(**data: str) -> tuple[Object, Object]:
    params = re.findall(r"\$\(tt\.params\.([^)]+)\)", " ".join(data.values()))
    bindings = [{"name": name, "value": f"$(body.{name})"} for name in params]
    return template(**data), listener({"name": "one", "bindings": bindings, "template": {"ref": "note"}})


def test_an_event_is_accepted_with_four_fields_and_creates_labelled_objects(bench: Bench) -> None:
    for obj in simple(greeting="hello $(tt.params.who)"):
        bench.put(obj)
    answer = bench.post(PATH, {"who": 'a "quoted" name\n'})
    assert answer.status == 202
    assert set(answer.body) == {"eventListener", "namespace", "eventListenerUID", "eventID"}
    assert answer.headers["content-type"] == "application/json"
    (made,) = bench.made()
    assert made["data"] == {"greeting": 'hello a "quoted" name\n'}
    assert made["metadata"]["namespace"] == NAMESPACE
    assert made["metadata"]["labels"] == {
        "triggers.tekton.dev/eventlistener": "listener",
        "triggers.tekton.dev/trigger": "one",
        "triggers.tekton.dev/triggers-eventid": answer.body["eventID"],
    }


def test_an_account_grants_no_rights_that_it_lacks(bench: Bench) -> None:
    group = "rbac.authorization.k8s.io"
    made = template()
    made["spec"]["resourcetemplates"] = [
        {
            "apiVersion": f"{group}/v1",
            "kind": "RoleBinding",
            "metadata": {"name": "more"},
            "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": "cluster-admin"},
            "subjects": [{"kind": "ServiceAccount", "name": "pipeline", "namespace": NAMESPACE}],
        }
    ]
    bench.put(made)
    bench.put(listener({"name": "one", "template": {"ref": "note"}}))
    bench.call(bench.store.delete, built_in("ClusterRoleBinding"), "", "every-account")
    subject = {"kind": "ServiceAccount", "name": "pipeline", "namespace": NAMESPACE}
    role = {"apiGroup": group, "kind": "ClusterRole", "name": "admin"}
    grant = {"metadata": {"name": "admin", "namespace": NAMESPACE}, "roleRef": role, "subjects": [subject]}
    bench.call(bench.store.create, built_in("RoleBinding"), grant)
    assert bench.post(PATH, {}).status == 202
    assert bench.made("RoleBinding") == []
    (event,) = [one for one in bench.events() if one["type"] == "Warning"]
    assert "is attempting to grant RBAC permissions not currently held" in event["message"]


def test_an_account_creates_what_its_roles_grant_and_no_more(bench: Bench) -> None:
    for obj in simple(a="x"):
        bench.put(obj)
    bindings, roles = built_in("ClusterRoleBinding"), "rbac.authorization.k8s.io"
    bench.call(bench.store.delete, bindings, "", "every-account")
    assert bench.post(PATH, {}).status == 202
    assert bench.made() == []
    (event,) = [one for one in bench.events() if one["type"] == "Warning"]
    assert (
        f'User "system:serviceaccount:{NAMESPACE}:pipeline" cannot create resource "configmaps" in API group "" in the '
        f'namespace "{NAMESPACE}"' in event["message"]
    )
    subject = {"kind": "ServiceAccount", "name": "pipeline", "namespace": NAMESPACE}
    role = {"apiGroup": roles, "kind": "ClusterRole", "name": "edit"}
    made = {"metadata": {"name": "b", "namespace": NAMESPACE}, "roleRef": role, "subjects": [subject]}
    bench.call(bench.store.create, built_in("RoleBinding"), made)
    assert bench.post(PATH, {}).status == 202
    assert len(bench.made()) == 1


def test_a_body_that_is_no_object_is_refused_with_a_message(bench: Bench) -> None:
    for obj in simple(a="x"):
        bench.put(obj)
    listed = bench.post(PATH, [1])
    assert listed.status == 400
    assert listed.body["errorMessage"] == (
        "Invalid event body format format: json: cannot unmarshal array into Go value of type map[string]interface {}"
    )
    broken = bench.post(PATH, b"payload=%7B%7D")
    assert broken.status == 400
    assert "invalid character 'p' looking for beginning of value" in broken.body["errorMessage"]
    assert bench.post(PATH, b"").status == 400
    assert bench.made() == []


def test_validation_of_the_payload_can_be_turned_off(bench: Bench) -> None:
    made, listening = simple(a="x")
    listening["metadata"]["annotations"] = {"tekton.dev/payload-validation": "false"}
    bench.put(made)
    bench.put(listening)
    assert bench.post(PATH, [1]).status == 202
    assert len(bench.made()) == 1


def test_a_listener_that_is_not_there_is_an_error(bench: Bench) -> None:
    assert bench.post(f"/{NAMESPACE}/other", {}).status == 500


def test_a_refused_event_is_accepted_all_the_same(bench: Bench) -> None:
    bench.put(template(a="x"))
    bench.put(
        listener(
            {
                "name": "one",
                "template": {"ref": "note"},
                "interceptors": [
                    interceptor("github", secretRef={"secretName": "github-webhook", "secretKey": "secret"}),
                ],
            }
        )
    )
    assert bench.push(PATH, {"ref": "refs/heads/main"}, secret=b"another").status == 202
    assert bench.made() == []


def test_a_body_that_is_too_large_is_refused_before_it_is_read(bench: Bench) -> None:
    port = int(bench.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), 5) as sock:
        sock.sendall(b"POST /user1-dev/listener HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\n\r\n{")
        assert b" 413 " in sock.recv(4096)


def test_a_half_open_connection_does_not_block_others(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sink, "READ_SECONDS", 0.5)
    for obj in simple(a="x"):
        bench.put(obj)
    port = int(bench.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), 5) as sock:
        sock.sendall(b"POST /user1-dev/listener HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        assert bench.post(PATH, {}).status == 202
        sock.settimeout(8)
        assert b" 408 " in sock.recv(4096)


def test_the_listener_shows_its_address_and_is_ready(bench: Bench) -> None:
    for obj in simple(a="x"):
        bench.put(obj)
    bench.made()
    for _ in range(100):
        found = bench.store.get(built_in("EventListener"), NAMESPACE, "listener")
        if found.get("status"):
            break
        urllib.request.urlopen(f"{bench.url}/livez", timeout=5).close()
    assert found["status"]["address"] == {"url": f"{bench.url}{PATH}"}
    assert {c["type"]: c["status"] for c in found["status"]["conditions"]} == dict.fromkeys(
        ("Available", "Deployment", "Progressing", "Ready", "Service"), "True"
    )
    service = bench.store.get(built_in("Service"), NAMESPACE, "el-listener")
    assert service["metadata"]["ownerReferences"][0]["name"] == "listener"


def test_a_cloud_event_is_answered_with_one(bench: Bench) -> None:
    for obj in simple(a="x"):
        bench.put(obj)
    answer = bench.post(PATH, {}, {"Ce-Specversion": "1.0", "Ce-Id": "1", "Ce-Source": "x", "Ce-Type": "y"})
    assert answer.status == 202
    assert answer.headers["ce-type"] == "dev.tekton.event.triggers.accepted.v1"


def test_a_failing_trigger_does_not_stop_the_others(bench: Bench) -> None:
    bench.put(template(a="$(tt.params.x)"))
    bench.put(
        listener(
            {"name": "bad", "bindings": [{"name": "x", "value": "$(body.missing)"}], "template": {"ref": "note"}},
            {"name": "gone", "template": {"ref": "no-such-template"}},
            {"name": "good", "bindings": [{"name": "x", "value": "$(body.there)"}], "template": {"ref": "note"}},
        )
    )
    assert bench.post(PATH, {"there": "yes"}).status == 202
    assert [obj["data"] for obj in bench.made()] == [{"a": "yes"}]
    message = "\n".join(event["message"] for event in bench.events() if event["type"] == "Warning")
    assert "failed to replace JSONPath value for param x: $(body.missing): missing is not found" in message
    assert "error getting TriggerTemplate no-such-template in user1-dev: not found" in message


@pytest.mark.parametrize(
    ("body", "form"),
    [(b"a&" * 500_000, True), (b'{"a": "' + b"x" * 900_000, False), (b'{"a":' + b"[" * 900_000, False)],
    ids=["fields of a form", "text without end", "brackets without end"],
)
def test_a_large_event_does_not_stop_the_lab(bench: Bench, body: bytes, form: bool) -> None:
    for obj in simple(a="x"):
        bench.put(obj)
    slowest, done = [0.0], threading.Event()

    def look() -> None:
        while not done.is_set():
            began = time.monotonic()
            urllib.request.urlopen(f"{bench.url}/livez", timeout=30).read()
            slowest[0] = max(slowest[0], time.monotonic() - began)

    looking = threading.Thread(target=look)
    looking.start()
    kind = "application/x-www-form-urlencoded" if form else "application/json"
    status = bench.post(PATH, body, {"Content-Type": kind, "X-Slack-Signature": "v0=1"}).status
    done.set()
    looking.join()
    assert status == 400
    assert slowest[0] < 1.0


def test_an_event_above_a_mebibyte_is_refused(bench: Bench) -> None:
    for obj in simple(a="x"):
        bench.put(obj)
    # The refusal comes before the body, which a client could not send to its end.
    connection = http.client.HTTPConnection(bench.url.removeprefix("http://"), timeout=10)
    connection.putrequest("POST", PATH)
    connection.putheader("Content-Type", "application/json")
    connection.putheader("Content-Length", str(1024 * 1024 + 1))
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()


def test_events_beyond_the_rate_are_refused_until_there_is_room(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sink, "EVENTS_PER_SECOND", 2.0)
    for obj in simple(a="x"):
        bench.put(obj)
    answers = [bench.post(PATH, {}).status for _ in range(sink.BURST + 20)]
    assert answers.count(503) >= 10 and answers.count(202) >= sink.BURST
    deadline = time.monotonic() + 10
    while bench.post(PATH, {}).status != 202:
        assert time.monotonic() < deadline
        time.sleep(0.2)
