"""Requests beyond the limits: each is refused with a message, and the server continues."""

from __future__ import annotations

import re
import socket
import ssl
import time
from contextlib import suppress
from typing import Any

import pytest

from tests.workshop.lab.serving import Lab
from workshop.lab.kinds import built_in
from workshop.lab.listening import limits

JSON_PATCH = "application/json-patch+json"
BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n + 1}: &a{n + 1} [{', '.join([f'*a{n}'] * 10)}]\n" for n in range(9)
)


def configs(namespace: str, rest: str = "") -> str:
    return f"/api/v1/namespaces/{namespace}/configmaps{rest}"


@pytest.mark.parametrize(
    "raw",
    [
        b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
        b"[" * 100_000,
        b'{"metadata":{"name":"x"},"data":' + b'{"a":' * 500 + b"1" + b"}" * 501,
    ],
)
def test_json_without_end_is_too_deep(lab: Lab, namespace: str, raw: bytes) -> None:
    code, answer = lab.ask("POST", configs(namespace), raw)
    assert code == 400 and "exceeded max depth" in answer["message"]


@pytest.mark.parametrize("number", [b"9" * 5000, b"1e400", b"NaN"])
def test_a_number_out_of_range_is_a_bad_request(lab: Lab, namespace: str, number: bytes) -> None:
    code, answer = lab.ask("POST", configs(namespace), b'{"metadata":{"name":"x"},"data":{"a":' + number + b"}}")
    assert code == 400 and answer["reason"] == "BadRequest"


DEEP = "more than 200 levels deep|maximum nesting depth"
"""PyYAML refuses some of these itself from 6.0.4 on, before the API counts."""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (BOMB, "document contains excessive aliasing"),
        ("[" * 100_000, DEEP),
        ("- " * 100_000, DEEP),
        ("{a: " * 300 + "}" * 300, DEEP),
    ],
)
def test_yaml_that_grows_is_refused_before_it_does(lab: Lab, namespace: str, text: str, said: str) -> None:
    code, answer = lab.ask("POST", configs(namespace), text.encode(), media="application/yaml")
    assert code == 400 and re.search(said, answer["message"]), answer


def test_patch_cannot_copy_without_end(lab: Lab, namespace: str) -> None:
    lab.ask("POST", configs(namespace), {"metadata": {"name": "x"}, "data": {"a": "b"}})
    steps = [{"op": "copy", "from": "/data", "path": f"/data/c{n}"} for n in range(40)]
    assert lab.ask("PATCH", configs(namespace, "/x"), steps, media=JSON_PATCH)[0] == 422
    many = [{"op": "test", "path": "/data/a", "value": "b"}] * 10_001
    code, answer = lab.ask("PATCH", configs(namespace, "/x"), many, media=JSON_PATCH)
    assert (code, answer["reason"]) == (413, "RequestEntityTooLarge")


def test_patch_that_is_no_json_names_the_character(lab: Lab, namespace: str) -> None:
    lab.ask("POST", configs(namespace), {"metadata": {"name": "x"}})
    code, answer = lab.ask("PATCH", configs(namespace, "/x"), b"{bad", media="application/merge-patch+json")
    message = "error decoding patch: invalid character 'b' looking for beginning of object key string"
    assert (code, answer["message"]) == (400, message)


def test_field_that_is_set_twice_is_a_warning_or_refused(lab: Lab, namespace: str) -> None:
    raw = b'{"metadata":{"name":"x"},"data":{"a":"1","a":"2"}}'
    code, answer = lab.ask("POST", configs(namespace, "?fieldValidation=Strict"), raw)
    assert code == 400 and answer["message"].endswith('strict decoding error: duplicate field "data.a"')
    sent = {**lab.http.headers, "Content-Type": "application/json"}
    response = lab.http.request("POST", lab.server.url + configs(namespace), body=raw, headers=sent)
    assert response.headers["Warning"] == '299 - "duplicate field \\"data.a\\""'
    assert lab.ask("GET", configs(namespace, "/x"))[1]["data"] == {"a": "2"}


@pytest.mark.parametrize(
    ("meta", "code", "said"),
    [
        ({"labels": {"-bad": "x"}}, 422, 'metadata.labels: Invalid value: "-bad": name part must consist of'),
        ({"labels": {"a": "x/y"}}, 422, 'metadata.labels: Invalid value: "x/y": a valid label must be an empty'),
        ({"labels": {"a": "x" * 64}}, 422, "must be no more than 63 characters"),
        ({"labels": {"Up.org/a": "x"}}, 422, "prefix part a lowercase RFC 1123 subdomain"),
        ({"annotations": {"a/b/c": "x"}}, 422, "with an optional DNS subdomain prefix"),
        ({"annotations": {"a": "x" * 300_000}}, 422, "Too long: may not be more than 262144 bytes"),
        ({"labels": {"a": 1}}, 400, "cannot unmarshal number into Go struct field .metadata.labels.a of type string"),
        ({"ownerReferences": ["x"]}, 400, "cannot unmarshal string into Go struct field .metadata.ownerReferences[0]"),
    ],
)
@pytest.mark.parametrize("kind", ["ConfigMap", "Task"])
def test_metadata_is_checked_for_its_syntax(
    lab: Lab, namespace: str, kind: str, meta: dict[str, Any], code: int, said: str
) -> None:
    path = configs(namespace) if kind == "ConfigMap" else f"/apis/tekton.dev/v1/namespaces/{namespace}/tasks"
    body: dict[str, Any] = {"metadata": {"name": "x", **meta}}
    if kind == "Task":
        body["spec"] = {"steps": [{"image": "busybox"}]}
    found, answer = lab.ask("POST", path, body)
    assert found == code and said in answer["message"]


def test_label_that_was_there_before_the_rule_can_stay(lab: Lab, namespace: str) -> None:
    obj = {"metadata": {"name": "x", "namespace": namespace, "labels": {"-old": "x"}}}
    lab.call(lab.store.create, built_in("ConfigMap"), {"apiVersion": "v1", "kind": "ConfigMap", **obj})
    media = "application/merge-patch+json"
    assert lab.ask("PATCH", configs(namespace, "/x"), {"data": {"a": "b"}}, media=media)[0] == 200


@pytest.mark.parametrize(("method", "rest"), [("POST", ""), ("PUT", "/x"), ("PATCH", "/x"), ("DELETE", "/x")])
def test_dry_run_that_is_misspelt_changes_nothing(lab: Lab, namespace: str, method: str, rest: str) -> None:
    lab.ask("POST", configs(namespace), {"metadata": {"name": "x"}})
    before = lab.ask("GET", configs(namespace))[1]["items"]
    media = "application/merge-patch+json" if method == "PATCH" else "application/json"
    body = {"metadata": {"name": "x" if rest else "new"}, "data": {"a": "b"}} if method != "DELETE" else None
    code, answer = lab.ask(method, configs(namespace, f"{rest}?dryRun=client"), body, media=media)
    assert code == 422 and 'dryRun: Unsupported value: "client": supported values: "All"' in answer["message"]
    assert lab.ask("GET", configs(namespace))[1]["items"] == before


@pytest.mark.parametrize("query", ["limit=x", "watch=1&resourceVersion=x", "watch=1&timeoutSeconds=nan"])
def test_query_that_is_no_number_is_named(lab: Lab, namespace: str, query: str) -> None:
    code, answer = lab.ask("GET", configs(namespace, f"?{query}"))
    name, _, value = query.rpartition("&")[2].partition("=")
    assert (code, answer["message"]) == (400, f'{name}: Invalid value: "{value}": must be a number')


def connected(lab: Lab) -> ssl.SSLSocket:
    trusted = ssl.create_default_context(cafile=str(lab.state.tls / "ca.crt"))
    raw = socket.create_connection(("127.0.0.1", lab.server.port), timeout=10)
    return trusted.wrap_socket(raw, server_hostname="127.0.0.1")


@pytest.mark.parametrize("begun", [b"", b"GET /version HT", b"GET /version HTTP/1.1\r\nHost: lab\r\nX: "])
def test_a_request_that_begins_and_never_goes_on_loses_its_connection(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, begun: bytes
) -> None:
    monkeypatch.setattr(limits, "HEAD_SECONDS", 0.2)
    with connected(lab) as sock:
        sock.sendall(begun)
        with suppress(ConnectionResetError):
            assert sock.recv(100) == b""


def test_a_second_request_that_never_goes_on_loses_its_connection_too(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "HEAD_SECONDS", 0.2)
    with connected(lab) as sock:
        sock.sendall(b"GET /livez HTTP/1.1\r\nHost: lab\r\n\r\n")
        assert sock.recv(4096).startswith(b"HTTP/1.1 200")
        sock.sendall(b"GET /livez HT")
        rest = b"-"
        while rest:
            try:
                rest = sock.recv(4096)
            except ConnectionResetError:
                break


def test_a_watch_lives_longer_than_a_head_may_take(lab: Lab, namespace: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "HEAD_SECONDS", 0.2)
    url = lab.server.url + configs(namespace, "?watch=true&timeoutSeconds=1")
    began = time.monotonic()
    answer = lab.http.request("GET", url, headers=lab.http.headers)
    assert (answer.status, answer.data) == (200, b"") and time.monotonic() - began > 0.9


def test_a_body_that_never_ends_is_a_timeout(lab: Lab, namespace: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "BODY_SECONDS", 0.2)
    head = (
        f"POST {configs(namespace)} HTTP/1.1\r\nHost: lab\r\nAuthorization: Bearer {lab.token}\r\n"
        "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
    )
    with connected(lab) as sock:
        sock.sendall(head.encode())
        answer = sock.recv(4096)
    assert answer.startswith(b"HTTP/1.1 408 Request Timeout")


def test_documents_without_end_are_refused_at_once(lab: Lab, namespace: str) -> None:
    began = time.monotonic()
    code, answer = lab.ask("POST", configs(namespace), b"---\n" * 700_000, media="application/yaml")
    assert code == 400 and "more than 10000 documents" in answer["message"]
    assert time.monotonic() - began < 5
