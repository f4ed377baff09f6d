"""Errors have the messages of a real API server."""

from __future__ import annotations

from typing import Any

import pytest

from tests.workshop.lab.serving import Lab

RFC1123 = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must "
    "start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)


def failure(code: int, reason: str, message: str, details: dict[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
    body: dict[str, Any] = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": reason,
        "code": code,
    }
    return code, body | ({"details": details} if details else {})


def config_map(name: str = "x1", value: str = "b", **meta: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, **meta}, "data": {"a": value}}


def test_missing_object_is_not_found(lab: Lab, namespace: str) -> None:
    assert lab.ask("GET", f"/api/v1/namespaces/{namespace}/pods/nope") == failure(
        404, "NotFound", 'pods "nope" not found', {"name": "nope", "kind": "pods"}
    )
    assert lab.ask("GET", f"/apis/tekton.dev/v1/namespaces/{namespace}/taskruns/nope") == failure(
        404,
        "NotFound",
        'taskruns.tekton.dev "nope" not found',
        {"name": "nope", "group": "tekton.dev", "kind": "taskruns"},
    )


def test_missing_group_is_plain_text(lab: Lab) -> None:
    assert lab.ask("GET", "/apis/nope.io/v1") == (404, "404 page not found\n")


def test_second_create_already_exists(lab: Lab, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    assert lab.ask("POST", path, config_map())[0] == 201
    assert lab.ask("POST", path, config_map()) == failure(
        409, "AlreadyExists", 'configmaps "x1" already exists', {"name": "x1", "kind": "configmaps"}
    )


def test_stale_update_conflicts(lab: Lab, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    lab.ask("POST", path, config_map())
    assert lab.ask("PUT", f"{path}/x1", config_map(value="c", resourceVersion="1")) == failure(
        409,
        "Conflict",
        'Operation cannot be fulfilled on configmaps "x1": the object has been modified; please apply '
        "your changes to the latest version and try again",
        {"name": "x1", "kind": "configmaps"},
    )


def test_apply_over_anothers_field_conflicts(lab: Lab, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    lab.ask("POST", path, config_map())
    answer = lab.ask("PATCH", f"{path}/x1?fieldManager=b", config_map(value="z"), media="application/apply-patch+yaml")
    assert answer == failure(
        409,
        "Conflict",
        'Apply failed with 1 conflict: conflict with "python-httpx" using v1: .data.a',
        {
            "causes": [
                {
                    "reason": "FieldManagerConflict",
                    "message": 'conflict with "python-httpx" using v1',
                    "field": ".data.a",
                }
            ]
        },
    )


def test_body_that_is_no_json_names_the_character(lab: Lab, namespace: str) -> None:
    assert lab.ask("POST", f"/apis/tekton.dev/v1/namespaces/{namespace}/taskruns", b"{not json") == failure(
        400,
        "BadRequest",
        "the object provided is unrecognized (must be of type TaskRun): couldn't get version/kind; "
        "json parse error: invalid character 'n' looking for beginning of object key string ({not json)",
    )


def test_bad_name_is_invalid(lab: Lab, namespace: str) -> None:
    expected = f'Invalid value: "Bad_Name": {RFC1123}'
    body = {
        "apiVersion": "tekton.dev/v1",
        "kind": "TaskRun",
        "metadata": {"name": "Bad_Name"},
        "spec": {"taskRef": {"name": "x"}},
    }
    assert lab.ask("POST", f"/apis/tekton.dev/v1/namespaces/{namespace}/taskruns", body) == failure(
        422,
        "Invalid",
        f'TaskRun.tekton.dev "Bad_Name" is invalid: metadata.name: {expected}',
        {
            "name": "Bad_Name",
            "group": "tekton.dev",
            "kind": "TaskRun",
            "causes": [{"reason": "FieldValueInvalid", "message": expected, "field": "metadata.name"}],
        },
    )


@pytest.mark.parametrize(
    ("meta", "field", "problem"),
    [
        ({}, "name", "Required value: name or generateName is required"),
        ({"name": "-a"}, "name", f'Invalid value: "-a": {RFC1123}'),
        ({"name": "é"}, "name", f'Invalid value: "é": {RFC1123}'),
        ({"name": "a" * 254}, "name", f'Invalid value: "{"a" * 254}": must be no more than 253 characters'),
        ({"generateName": "A-"}, "generateName", f'Invalid value: "A-": {RFC1123}'),
    ],
)
def test_each_rule_of_a_name_has_its_own_message(
    lab: Lab, namespace: str, meta: dict[str, str], field: str, problem: str
) -> None:
    code, status = lab.ask("POST", f"/api/v1/namespaces/{namespace}/configmaps", {"metadata": meta})
    assert code == 422
    assert status["message"] == f'ConfigMap "{meta.get("name", "")}" is invalid: metadata.{field}: {problem}'


def test_a_project_has_a_valid_name(lab: Lab) -> None:
    code, status = lab.ask("POST", "/apis/project.openshift.io/v1/projectrequests", {"metadata": {"name": "Mine"}})
    assert code == 422 and "metadata.name: Invalid value" in status["message"]


@pytest.mark.parametrize("header", ["Bearer wrong", "", "Basic abc", "Bearer"])
def test_wrong_token_is_unauthorized(lab: Lab, header: str) -> None:
    answer = lab.ask("GET", "/api/v1/pods", headers={"Authorization": header})
    assert answer == failure(401, "Unauthorized", "Unauthorized")


def test_token_counts_only_as_a_bearer_token(lab: Lab) -> None:
    assert lab.ask("GET", "/api/v1/pods", headers={"Authorization": f"Basic {lab.token}"})[0] == 401
    assert lab.ask("GET", "/api/v1/pods", headers={"Authorization": f"bearer {lab.token}"})[0] == 200


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/healthz", "/version"])
def test_health_needs_no_token(lab: Lab, path: str) -> None:
    assert lab.ask("GET", path, headers={"Authorization": ""})[0] == 200


def test_unknown_field_of_a_core_kind_is_refused_when_strict(lab: Lab, namespace: str) -> None:
    body = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p"},
        "spec": {"containers": [{"name": "a", "imagee": "x"}], "nope": 1},
    }
    assert lab.ask("POST", f"/api/v1/namespaces/{namespace}/pods?fieldValidation=Strict", body) == failure(
        400,
        "BadRequest",
        'Pod in version "v1" cannot be handled as a Pod: strict decoding error: unknown field '
        '"spec.containers[0].imagee", unknown field "spec.nope"',
    )


def test_unknown_field_is_a_warning_otherwise(lab: Lab, namespace: str) -> None:
    body = {"metadata": {"name": "s"}, "spec": {"ports": [{"port": 80, "prot": "x"}]}}
    answer = lab.http.request("POST", f"{lab.server.url}/api/v1/namespaces/{namespace}/services", json=body)
    assert answer.status == 201
    assert answer.headers["Warning"] == '299 - "unknown field \\"spec.ports[0].prot\\""'


def test_an_object_that_nothing_acts_on_is_kept_with_a_warning(lab: Lab, namespace: str) -> None:
    body = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "a", "image": "x"}]}}
    answer = lab.http.request("POST", f"{lab.server.url}/api/v1/namespaces/{namespace}/pods", json=body)
    expected = "the lab runs the Pods of Tekton and of SeldonDeployments only; this Pod is stored and nothing starts"
    assert (answer.status, answer.headers["Warning"]) == (201, f'299 - "{expected}"')
    condition = answer.json()["status"]["conditions"][0]
    assert (condition["type"], condition["status"], condition["message"]) == ("PodScheduled", "False", expected)


def test_value_of_the_wrong_type_is_refused(lab: Lab, namespace: str) -> None:
    code, answer = lab.ask(
        "POST", f"/api/v1/namespaces/{namespace}/configmaps", {"metadata": {"name": "x"}, "data": {"a": 1}}
    )
    assert (code, answer["reason"]) == (400, "BadRequest")
    assert answer["message"] == (
        'ConfigMap in version "v1" cannot be handled as a ConfigMap: json: cannot unmarshal '
        "number into Go struct field .data.a of type string"
    )


def test_object_in_a_missing_namespace_is_not_found(lab: Lab) -> None:
    assert lab.ask("POST", "/api/v1/namespaces/nowhere/configmaps", config_map()) == failure(
        404, "NotFound", 'namespaces "nowhere" not found', {"name": "nowhere", "kind": "namespaces"}
    )


def test_namespace_that_differs_from_the_path_is_refused(lab: Lab, namespace: str) -> None:
    code, answer = lab.ask("POST", f"/api/v1/namespaces/{namespace}/configmaps", config_map(namespace="default"))
    assert code == 400
    assert answer["message"] == (
        "the namespace of the provided object does not match the namespace sent on the request"
    )


def test_body_of_three_megabytes_is_too_large(lab: Lab, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    code, answer = lab.ask("POST", path, config_map(value="x" * (3 * 1024 * 1024)))
    assert (code, answer["reason"]) == (413, "RequestEntityTooLarge")


def test_unknown_media_type_is_unsupported(lab: Lab, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    assert lab.ask("POST", path, b"x", media="text/plain")[0] == 415
    lab.ask("POST", path, config_map())
    assert lab.ask("PATCH", f"{path}/x1", {"data": {}}, media="application/json")[0] == 415


@pytest.mark.parametrize(
    ("method", "what"),
    [("POST", "exec"), ("POST", "attach"), ("POST", "portforward"), ("PATCH", "ephemeralcontainers")],
)
def test_pod_sessions_are_refused_with_a_word(lab: Lab, namespace: str, method: str, what: str) -> None:
    code, answer = lab.ask(method, f"/api/v1/namespaces/{namespace}/pods/p/{what}", {})
    assert code == 405
    assert f"{what} is not supported" in answer["message"] and "oc logs p" in answer["message"]


def test_missing_subresource_has_details_for_clients_that_look(lab: Lab, namespace: str) -> None:
    code, answer = lab.ask("GET", f"/api/v1/namespaces/{namespace}/pods/p/resize")
    assert (code, answer["details"]) == (404, {})
