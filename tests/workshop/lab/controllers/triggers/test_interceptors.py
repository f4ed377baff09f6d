"""Each interceptor, and the chain."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.workshop.lab.controllers.triggers.conftest import NAMESPACE, SECRET, Bench, interceptor, listener, template
from workshop.lab.api.auth import certificate
from workshop.lab.controllers.triggers.event import Event, headers_of
from workshop.lab.controllers.triggers.interceptors import INTERCEPTORS, Secrets, Stopped
from workshop.lab.kinds import built_in
from workshop.lab.store import Store

PATH = f"/{NAMESPACE}/listener"
REF = {"secretName": "hook", "secretKey": "token"}


@pytest.fixture
def secrets() -> Secrets:
    store = Store()
    store.create(
        built_in("Secret"),
        {
            "metadata": {"name": "hook", "namespace": "dev"},
            "data": {"token": base64.b64encode(SECRET).decode()},
        },
    )
    return Secrets(store, "dev")


def event(body: Any, **headers: str) -> Event:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Event("e", raw, headers_of([(k.replace("_", "-").encode(), v.encode()) for k, v in headers.items()]), "/")


def sign(body: Any, algorithm: str = "sha256", secret: bytes = SECRET) -> str:
    return f"{algorithm}={hmac.new(secret, json.dumps(body).encode(), getattr(hashlib, algorithm)).hexdigest()}"


def stopped(name: str, sent: Event, secrets: Secrets, **params: Any) -> Stopped:
    with pytest.raises(Stopped) as found:
        INTERCEPTORS[name](sent, params, secrets)
    return found.value


def test_github_lets_a_signed_event_of_an_allowed_type_pass(secrets: Secrets) -> None:
    sent = event({"a": 1}, X_GitHub_Event="push", X_Hub_Signature_256=sign({"a": 1}))
    assert INTERCEPTORS["github"](sent, {"secretRef": REF, "eventTypes": ["push"]}, secrets) == {}


def test_github_looks_at_the_type_before_the_signature(secrets: Secrets) -> None:
    sent = event({"a": 1}, X_GitHub_Event="ping", X_Hub_Signature_256="sha256=00")
    assert stopped("github", sent, secrets, secretRef=REF, eventTypes=["push"]).message == (
        "event type ping is not allowed"
    )


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({}, "Must set X-Hub-Signature-256 header"),
        ({"X_Hub_Signature": sign({"a": 1}, "sha1")}, "Must set X-Hub-Signature-256 header"),
        ({"X_Hub_Signature_256": sign({"a": 2})}, "payload signature check failed"),
        ({"X_Hub_Signature_256": sign({"a": 1}, secret=b"")}, "payload signature check failed"),
        ({"X_Hub_Signature_256": sign({"a": 1}, "sha1")}, "unknown hash type prefix: 'sha1'"),
        ({"X_Hub_Signature_256": "sha256="}, "payload signature check failed"),
    ],
)
def test_github_refuses_a_request_without_a_valid_signature(
    headers: dict[str, str], message: str, secrets: Secrets
) -> None:
    found = stopped("github", event({"a": 1}, X_GitHub_Event="push", **headers), secrets, secretRef=REF)
    assert found.message == message
    assert found.suspicious


def test_an_empty_secret_proves_nothing() -> None:
    store = Store()
    store.create(built_in("Secret"), {"metadata": {"name": "hook", "namespace": "dev"}, "data": {"token": ""}})
    sent = event({"a": 1}, X_Hub_Signature_256=sign({"a": 1}, secret=b""))
    assert stopped("github", sent, Secrets(store, "dev"), secretRef=REF).message == "payload signature check failed"


def test_a_secret_that_is_not_there_is_named(secrets: Secrets) -> None:
    sent = event({}, X_Hub_Signature_256="sha256=0")
    gone = {"secretName": "gone", "secretKey": "token"}
    assert stopped("github", sent, secrets, secretRef=gone).message == 'error getting secret: secrets "gone" not found'
    other = {"secretName": "hook", "secretKey": "other"}
    assert "cannot find other key" in stopped("github", sent, secrets, secretRef=other).message
    assert "secretKey is empty" in stopped("github", sent, secrets, secretRef={"secretName": "hook"}).message


def test_github_refuses_forms(secrets: Secrets) -> None:
    sent = event(b"payload=x", Content_Type="application/x-www-form-urlencoded")
    assert "form parameter encoding not supported" in stopped("github", sent, secrets).message


def test_github_adds_the_files_of_a_push(secrets: Secrets) -> None:
    body = {
        "repository": {"full_name": "a/b"},
        "commits": [
            {"added": ["new"], "modified": ["m"], "removed": []},
            {"added": [], "modified": [], "removed": ["old"]},
        ],
    }
    sent = event(body, X_GitHub_Event="push")
    assert INTERCEPTORS["github"](sent, {"addChangedFiles": {"enabled": True}}, secrets) == {
        "changed_files": "new,m,old"
    }


def test_gitlab_compares_the_token(secrets: Secrets) -> None:
    fine = event({}, X_Gitlab_Event="Push Hook", X_Gitlab_Token=SECRET.decode())
    assert INTERCEPTORS["gitlab"](fine, {"secretRef": REF, "eventTypes": ["Push Hook"]}, secrets) == {}
    assert stopped("gitlab", event({}, X_Gitlab_Token="x"), secrets, secretRef=REF).message == "Invalid X-GitLab-Token"
    assert stopped("gitlab", event({}), secrets, secretRef=REF).message == "no X-GitLab-Token header set"
    assert "Tag is not allowed" in stopped("gitlab", event({}, X_Gitlab_Event="Tag"), secrets, eventTypes=["x"]).message


def test_bitbucket_checks_its_signature(secrets: Secrets) -> None:
    fine = event({"a": 1}, X_Event_Key="repo:refs_changed", X_Hub_Signature=sign({"a": 1}))
    assert INTERCEPTORS["bitbucket"](fine, {"secretRef": REF, "eventTypes": ["repo:refs_changed"]}, secrets) == {}
    assert stopped("bitbucket", event({"a": 1}, X_Hub_Signature=sign({"a": 2})), secrets, secretRef=REF).suspicious
    assert stopped("bitbucket", event({}), secrets, secretRef=REF).message == "no X-Hub-Signature header set"


def test_slack_takes_fields_of_a_form(bench: Bench) -> None:
    bench.put(template(a="$(tt.params.text)"))
    bench.put(
        listener(
            {
                "name": "slash",
                "template": {"ref": "note"},
                "bindings": [{"name": "text", "value": "$(extensions.text[0])"}],
                "interceptors": [interceptor("slack", requestedFields=["text"])],
            }
        )
    )
    form = urlencode({"command": "/train", "text": "logistic now"}).encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Slack-Signature": "v0=1"}
    assert bench.post(PATH, form, headers).status == 202
    assert [obj["data"]["a"] for obj in bench.made()] == ["logistic now"]


def test_an_unknown_interceptor_stops_the_event_with_a_warning(bench: Bench) -> None:
    bench.put(template(a="x"))
    bench.put(listener({"name": "t", "template": {"ref": "note"}, "interceptors": [interceptor("mine")]}))
    bench.post(PATH, {})
    assert bench.made() == []
    assert any('clusterinterceptor.triggers.tekton.dev "mine" not found' in e["message"] for e in bench.events())


def test_a_flood_of_forged_events_makes_one_warning(bench: Bench) -> None:
    wants = interceptor("github", secretRef={"secretName": "github-webhook", "secretKey": "secret"})
    bench.put(template(a="x"))
    bench.put(listener(*({"name": name, "template": {"ref": "note"}, "interceptors": [wants]} for name in "ab")))
    for number in range(5):
        bench.push(PATH, {"number": number}, secret=b"another")
    assert sorted(event["message"] for event in bench.events()) == [
        "trigger a: payload signature check failed",
        "trigger b: payload signature check failed",
    ]


@pytest.fixture
def own() -> Iterator[tuple[str, list[dict[str, Any]], dict[str, Any]]]:
    """An interceptor of one's own: its address, what it was asked, what it answers."""
    asked: list[dict[str, Any]] = []
    said: dict[str, Any] = {"continue": True, "extensions": {"team": "flights"}}

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(said).encode())

        def log_message(self, *_: Any) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/", asked, said
    server.shutdown()
    server.server_close()


def test_an_interceptor_of_ones_own_is_asked_over_http(
    bench: Bench, own: tuple[str, list[dict[str, Any]], dict[str, Any]]
) -> None:
    url, asked, said = own
    bench.put(
        {
            "apiVersion": "triggers.tekton.dev/v1alpha1",
            "kind": "Interceptor",
            "metadata": {"name": "team"},
            "spec": {"clientConfig": {"url": url}},
        }
    )
    bench.put(template(a="$(tt.params.team)"))
    ref = {"ref": {"name": "team", "kind": "NamespacedInterceptor"}, "params": [{"name": "k", "value": [1]}]}
    bench.put(
        listener(
            {
                "name": "t",
                "template": {"ref": "note"},
                "interceptors": [ref],
                "bindings": [{"name": "team", "value": "$(extensions.team)"}],
            }
        )
    )
    bench.post(f"{PATH}/deep?x=1", {"b": 1})
    assert [obj["data"]["a"] for obj in bench.made()] == ["flights"]
    assert asked[0]["body"] == '{"b": 1}'
    assert asked[0]["interceptor_params"] == {"k": [1]}
    assert asked[0]["context"]["event_url"] == "/deep?x=1"
    assert asked[0]["context"]["trigger_id"] == f"namespaces/{NAMESPACE}/triggers/t"
    said.update({"continue": False, "status": {"code": 9, "message": "not today"}})
    bench.post(PATH, {})
    assert len(bench.made()) == 1


def _by_service(bench: Bench, service: dict[str, Any], **config: Any) -> None:
    bench.put(
        {
            "apiVersion": "triggers.tekton.dev/v1alpha1",
            "kind": "Interceptor",
            "metadata": {"name": "team"},
            "spec": {"clientConfig": {"service": {"name": "team", "namespace": NAMESPACE, **service}, **config}},
        }
    )
    bench.put(template(a="x"))
    ref = {"ref": {"name": "team", "kind": "NamespacedInterceptor"}}
    bench.put(listener({"name": "t", "template": {"ref": "note"}, "interceptors": [ref]}))


def _service(**spec: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "team"}, "spec": spec}


def test_an_interceptor_of_a_service_is_asked_at_its_external_name(
    bench: Bench, own: tuple[str, list[dict[str, Any]], dict[str, Any]]
) -> None:
    url, asked, _ = own
    bench.put(_service(type="ExternalName", externalName="localhost"))
    _by_service(bench, {"port": int(url.rstrip("/").rpartition(":")[2]), "path": "check"})
    bench.post(PATH, {"b": 1})
    assert len(bench.made()) == 1
    assert asked[0]["body"] == '{"b": 1}'


def test_an_interceptor_is_checked_against_its_authority(bench: Bench, tmp_path: Path) -> None:
    made = certificate(tmp_path, (f"team.{NAMESPACE}.svc",))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"continue": true}')

        def log_message(self, *_: Any) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(made.cert, made.key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    bench.put(_service(type="ExternalName", externalName="localhost"))
    other = certificate(tmp_path / "other").authority
    for authority, expected in ((other, 0), (made.authority, 1)):
        bundle = base64.b64encode(authority.read_bytes()).decode()
        _by_service(bench, {"port": server.server_port}, caBundle=bundle)
        bench.post(PATH, {})
        assert len(bench.made()) == expected
    assert any("CERTIFICATE_VERIFY_FAILED" in event["message"] for event in bench.events())
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("service", "why"),
    [
        (None, f"lookup team.{NAMESPACE}.svc: no such host"),
        (_service(selector={"app": "team"}, ports=[{"port": 80}]), "the type ExternalName"),
    ],
)
def test_a_service_that_leads_nowhere_stops_the_event(bench: Bench, service: dict[str, Any] | None, why: str) -> None:
    if service:
        bench.put(service)
    _by_service(bench, {})
    bench.post(PATH, {})
    assert bench.made() == []
    assert any(why in event["message"] for event in bench.events())
