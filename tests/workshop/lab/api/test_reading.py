"""Lists, selectors, pages, Tables and discovery."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.workshop.lab.serving import Lab
from workshop.lab.kinds import built_in

TABLE = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"}


def make(lab: Lab, namespace: str, count: int) -> None:
    for number in range(count):
        body = {
            "metadata": {"name": f"c{number}", "labels": {"n": str(number), "odd": str(number % 2)}},
            "data": {"a": "b"},
        }
        assert lab.ask("POST", f"/api/v1/namespaces/{namespace}/configmaps", body)[0] == 201


def names(answer: tuple[int, Any]) -> list[str]:
    return [one["metadata"]["name"] for one in answer[1]["items"]]


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("odd=1", ["c1", "c3"]),
        ("odd!=1", ["c0", "c2"]),
        ("n in (0,3)", ["c0", "c3"]),
        ("n notin (0,3)", ["c1", "c2"]),
        ("n>1", ["c2", "c3"]),
        ("!n", []),
        ("n,odd==0", ["c0", "c2"]),
    ],
)
def test_label_selector_picks(lab: Lab, namespace: str, selector: str, expected: list[str]) -> None:
    make(lab, namespace, 4)
    from urllib.parse import quote

    answer = lab.ask("GET", f"/api/v1/namespaces/{namespace}/configmaps?labelSelector={quote(selector)}")
    assert names(answer) == expected


def test_field_selector_picks_by_name_and_by_a_known_field(lab: Lab, namespace: str) -> None:
    make(lab, namespace, 2)
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    assert names(lab.ask("GET", f"{path}?fieldSelector=metadata.name%3Dc1")) == ["c1"]
    assert names(lab.ask("GET", f"{path}?fieldSelector=metadata.name!%3Dc1")) == ["c0"]
    code, answer = lab.ask("GET", f"{path}?fieldSelector=data.a%3Db")
    assert code == 400 and "field label not supported: data.a" in answer["message"]


def test_bad_selector_is_a_bad_request(lab: Lab, namespace: str) -> None:
    assert lab.ask("GET", f"/api/v1/namespaces/{namespace}/pods?labelSelector=a%3D%3D%3Db")[0] == 400


def test_pages_show_the_list_as_it_was_at_first(lab: Lab, namespace: str) -> None:
    make(lab, namespace, 5)
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    first = lab.ask("GET", f"{path}?limit=2")
    meta = first[1]["metadata"]
    assert names(first) == ["c0", "c1"] and meta["remainingItemCount"] == 3
    lab.ask("DELETE", f"{path}/c3")
    second = lab.ask("GET", f"{path}?limit=2&continue={meta['continue']}")
    assert names(second) == ["c2", "c3"] and second[1]["metadata"]["resourceVersion"] == meta["resourceVersion"]
    third = lab.ask("GET", f"{path}?limit=2&continue={second[1]['metadata']['continue']}")
    assert names(third) == ["c4"] and "continue" not in third[1]["metadata"]


def test_forgotten_page_is_expired(lab: Lab, namespace: str) -> None:
    code, answer = lab.ask("GET", f"/api/v1/namespaces/{namespace}/configmaps?limit=1&continue=old")
    assert (code, answer["reason"]) == (410, "Expired")


def test_table_has_the_columns_of_the_kind(lab: Lab, namespace: str) -> None:
    run = {"metadata": {"name": "r"}, "spec": {"taskRef": {"name": "t"}}}
    assert lab.ask("POST", f"/apis/tekton.dev/v1/namespaces/{namespace}/taskruns", run)[0] == 201
    kind = built_in("TaskRun")
    obj = lab.call(lab.store.get, kind, namespace, "r")
    obj["status"] = {
        "conditions": [{"type": "Succeeded", "status": "False", "reason": "StepFailed"}],
        "startTime": "2020-01-01T00:00:00Z",
    }
    lab.call(lab.store.update_status, kind, obj)
    _, table = lab.ask("GET", f"/apis/tekton.dev/v1/namespaces/{namespace}/taskruns", headers=TABLE)
    assert [c["name"] for c in table["columnDefinitions"]] == [
        "Name",
        "Succeeded",
        "Reason",
        "StartTime",
        "CompletionTime",
    ]
    cells = table["rows"][0]["cells"]
    assert cells[:3] == ["r", "False", "StepFailed"] and cells[3].endswith("d") and cells[4] is None
    assert table["rows"][0]["object"]["kind"] == "PartialObjectMetadata"


@pytest.mark.parametrize(
    ("status", "shown"),
    [
        ({"phase": "Running", "containerStatuses": [{"ready": True, "state": {"running": {}}}]}, ["1/2", "Running"]),
        (
            {
                "phase": "Succeeded",
                "containerStatuses": [{"state": {"terminated": {"exitCode": 0, "reason": "Completed"}}}],
            },
            ["0/2", "Completed"],
        ),
        ({"phase": "Failed", "containerStatuses": [{"state": {"terminated": {"exitCode": 7}}}]}, ["0/2", "ExitCode:7"]),
        ({"phase": "Pending", "initContainerStatuses": [{"state": {"running": {}}}]}, ["0/2", "Init:0/1"]),
        (
            {"phase": "Pending", "containerStatuses": [{"state": {"waiting": {"reason": "ImagePullBackOff"}}}]},
            ["0/2", "ImagePullBackOff"],
        ),
        ({}, ["0/2", "Unknown"]),
    ],
)
def test_the_status_column_of_a_pod_is_that_of_kubectl(
    lab: Lab, namespace: str, status: dict[str, Any], shown: list[str]
) -> None:
    pod = {
        "metadata": {"name": "p", "namespace": namespace},
        "status": status,
        "spec": {"containers": [{"name": "a"}, {"name": "b"}], "initContainers": [{"name": "i"}]},
    }
    lab.call(lab.store.create, built_in("Pod"), pod)
    _, table = lab.ask("GET", f"/api/v1/namespaces/{namespace}/pods", headers=TABLE)
    assert table["rows"][0]["cells"][1:3] == shown


def test_discovery_is_aggregated_when_asked_and_legacy_otherwise(lab: Lab) -> None:
    accept = (
        "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"
        "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json"
    )
    answer = lab.http.request(
        "GET", f"{lab.server.url}/apis?timeout=32s", headers={**lab.http.headers, "Accept": accept}
    )
    assert answer.headers["content-type"] == ("application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList")
    tekton = next(g for g in answer.json()["items"] if g["metadata"]["name"] == "tekton.dev")
    runs = next(r for r in tekton["versions"][0]["resources"] if r["resource"] == "pipelineruns")
    assert runs["shortNames"] == ["pr", "prs"] and runs["subresources"][0]["subresource"] == "status"
    assert lab.ask("GET", "/apis")[1]["kind"] == "APIGroupList"
    assert lab.ask("GET", "/api")[1]["versions"] == ["v1"]
    listed = lab.ask("GET", "/apis/tekton.dev/v1")[1]["resources"]
    assert {"pipelineruns", "pipelineruns/status"} <= {r["name"] for r in listed}


def test_openapi_index_names_documents_with_the_types(lab: Lab) -> None:
    paths = lab.ask("GET", "/openapi/v3")[1]["paths"]
    document = lab.ask("GET", paths["api/v1"]["serverRelativeURL"])[1]
    container = document["components"]["schemas"]["Container"]
    assert container["properties"]["env"]["x-kubernetes-patch-merge-key"] == "name"
    assert container["required"] == ["name"]
    assert "null" not in str(container)
    assert lab.ask("GET", "/openapi/v3/apis/nope/v1")[0] == 404


def test_openapi_references_lead_somewhere(lab: Lab) -> None:
    import re

    for path in lab.ask("GET", "/openapi/v3")[1]["paths"]:
        document = lab.ask("GET", f"/openapi/v3/{path}")[1]
        known = set(document["components"]["schemas"])
        assert set(re.findall(r"#/components/schemas/([^'\"]+)", str(document))) <= known


def test_project_is_a_view_of_its_namespace(lab: Lab, namespace: str) -> None:
    code, project = lab.ask("GET", f"/apis/project.openshift.io/v1/projects/{namespace}")
    assert (code, project["kind"], project["status"]) == (200, "Project", {"phase": "Active"})
    _, missing = lab.ask("GET", "/apis/project.openshift.io/v1/projects/nope")
    assert missing["message"] == 'projects.project.openshift.io "nope" not found'


def test_project_request_makes_a_namespace(lab: Lab) -> None:
    body = {"kind": "ProjectRequest", "metadata": {"name": "asked"}, "displayName": "Asked"}
    code, made = lab.ask("POST", "/apis/project.openshift.io/v1/projectrequests", body)
    assert (code, made["kind"]) == (201, "Project")
    _, namespace = lab.ask("GET", "/api/v1/namespaces/asked")
    assert namespace["metadata"]["annotations"]["openshift.io/display-name"] == "Asked"


def test_a_request_for_a_project_of_wrong_types_is_refused(lab: Lab) -> None:
    for wrong in ({"metadata": 5}, {"metadata": {"name": 5}}, {"metadata": {"name": "a"}, "description": 5}):
        code, answer = lab.ask("POST", "/apis/project.openshift.io/v1/projectrequests", wrong)
        assert (code, "cannot unmarshal" in answer["message"]) == (400, True), answer["message"]


def test_a_thousand_objects_are_listed_quickly(lab: Lab, namespace: str) -> None:
    kind = built_in("TaskRun")
    for number in range(1000):
        lab.call(
            lab.store.create,
            kind,
            {
                "metadata": {"name": f"t{number}", "namespace": namespace},
                "spec": {"taskRef": {"name": "x"}, "params": [{"name": "a"}] * 20},
            },
        )
    took = []
    for _ in range(5):
        began = time.perf_counter()
        assert len(lab.ask("GET", f"/apis/tekton.dev/v1/namespaces/{namespace}/taskruns")[1]["items"]) == 1000
        took.append(time.perf_counter() - began)
    assert min(took) < 1  # 50 ms on an idle machine; loose, for a busy one


def test_events_say_when_before_their_names(lab: Lab, namespace: str) -> None:
    event = {"metadata": {"name": "e1"}, "reason": "Started", "involvedObject": {"kind": "Pod", "name": "p"}}
    path = f"/api/v1/namespaces/{namespace}/events"
    assert lab.ask("POST", path, event)[0] == 201
    shown = lab.ask("GET", path, headers=TABLE)[1]
    columns = [(one["name"], one["priority"]) for one in shown["columnDefinitions"]]
    assert [name for name, priority in columns if not priority] == ["Last Seen", "Type", "Reason", "Object", "Message"]
    assert columns[-1] == ("Name", 1) and shown["rows"][0]["cells"][-1] == "e1"
    assert len(shown["rows"][0]["cells"]) == len(columns)


ABSENT = [
    "/api/v1/nodes",
    "/api/v1/namespaces/{}/endpoints",
    "/api/v1/namespaces/{}/replicationcontrollers",
    "/apis/apps/v1/namespaces/{}/replicasets",
    "/apis/apps/v1/namespaces/{}/statefulsets",
    "/apis/batch/v1/namespaces/{}/jobs",
    "/apis/batch/v1/namespaces/{}/cronjobs",
    "/apis/networking.k8s.io/v1/namespaces/{}/ingresses",
]


@pytest.mark.parametrize("path", ABSENT)
def test_an_absent_kind_is_listed_empty_and_refused_with_a_reason(lab: Lab, namespace: str, path: str) -> None:
    where = path.format(namespace)
    assert lab.ask("GET", where)[1]["items"] == []
    plural = where.rpartition("/")[2]
    group = "/".join(where.split("/")[:4] if where.startswith("/apis") else where.split("/")[:3])
    known = {one["name"]: one["verbs"] for one in lab.ask("GET", group)[1]["resources"]}
    assert known[plural] == ["get", "list", "watch"]
    for method, rest, media in (("POST", "", "application/json"), ("PATCH", "/x", "application/apply-patch+yaml")):
        query = "?fieldManager=a" if rest else ""
        code, answer = lab.ask(method, f"{where}{rest}{query}", {"metadata": {"name": "x"}}, media=media)
        assert code == 405 and answer["message"].startswith("there is no ") and " in the lab: " in answer["message"]
    assert lab.ask("POST", where, b"k8s\0protobuf", media="application/vnd.kubernetes.protobuf")[0] == 405
    assert lab.ask("GET", where)[1]["items"] == []
