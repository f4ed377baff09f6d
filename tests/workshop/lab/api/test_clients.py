"""The requests of tkn and oc, also where neither is installed.

The sequences are those of tkn 0.46 and oc 4.19: paths, media types and Accept headers as they send them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest
import urllib3

from tests.workshop.lab.serving import Lab
from workshop.lab.kinds import built_in

PROTOBUF = {"Accept": "application/vnd.kubernetes.protobuf,application/json"}
AGGREGATED = {
    "Accept": "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"
    "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json"
}
TABLE = {
    "Accept": "application/json;as=Table;v=v1;g=meta.k8s.io,"
    "application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json"
}
WATCH_LIST = (
    "allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan&sendInitialEvents=true&timeoutSeconds=5&watch=true"
)
STEPS = {"taskSpec": {"steps": [{"name": "s", "image": "busybox", "script": "true"}]}}


def tekton(namespace: str, rest: str) -> str:
    return f"/apis/tekton.dev/v1/namespaces/{namespace}/{rest}"


def follow(lab: Lab, path: str, headers: dict[str, str], until: Callable[[dict[str, Any]], bool]) -> list[str]:
    """The types of a watch's events, up to the one that is waited for."""
    answer = lab.http.request(
        "GET",
        lab.server.url + path,
        headers={**lab.http.headers, **headers},
        preload_content=False,
        timeout=urllib3.Timeout(10),
    )
    assert answer.status == 200 and answer.headers["content-type"].startswith("application/json")
    types: list[str] = []
    rest = b""
    for chunk in answer.stream(65536):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            event = orjson.loads(line)
            types.append(event["type"])
            if until(event):
                answer.close()
                return types
    raise AssertionError(f"the watch ended after {types}")


# -- tkn ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("plural", "status"),
    [("pipelineruns", "Cancelled"), ("pipelineruns", "StoppedRunFinally"), ("taskruns", "TaskRunCancelled")],
)
def test_tkn_cancels_by_replacing_a_status_that_is_not_there(
    lab: Lab, namespace: str, plural: str, status: str
) -> None:
    spec = {"pipelineSpec": {"tasks": [{"name": "t", **STEPS}]}} if plural == "pipelineruns" else STEPS
    assert lab.ask("POST", tekton(namespace, plural), {"metadata": {"name": "r"}, "spec": spec})[0] == 201
    patch = [{"op": "replace", "path": "/spec/status", "value": status}]
    code, made = lab.ask("PATCH", tekton(namespace, f"{plural}/r"), patch, media="application/json-patch+json")
    assert (code, made["spec"].get("status")) == (200, status)


def test_tkn_starts_a_pipeline_and_waits_by_watch_list(lab: Lab, namespace: str) -> None:
    pipeline = {"metadata": {"name": "p"}, "spec": {"tasks": [{"name": "t", **STEPS}]}}
    assert lab.ask("POST", tekton(namespace, "pipelines"), pipeline)[0] == 201
    code, answer = lab.ask("GET", "/api", headers=AGGREGATED)
    assert code == 200 and answer["kind"] == "APIGroupDiscoveryList"
    assert lab.ask("GET", tekton(namespace, "pipelines/p"))[0] == 200
    run = {
        "kind": "PipelineRun",
        "apiVersion": "tekton.dev/v1",
        "metadata": {"generateName": "p-run-", "namespace": namespace, "creationTimestamp": None},
        "spec": {"pipelineRef": {"name": "p"}, "taskRunTemplate": {}},
        "status": {},
    }
    code, made = lab.ask("POST", tekton(namespace, "pipelineruns"), run)
    name = made["metadata"]["name"]
    assert code == 201 and name.startswith("p-run-")
    where = tekton(namespace, f"pipelineruns?fieldSelector=metadata.name%3D{name}&{WATCH_LIST}")
    begun = follow(lab, where, {}, lambda event: event["type"] == "BOOKMARK")
    assert begun == ["ADDED", "BOOKMARK"]


def test_tkn_waits_for_a_pod_and_reads_its_steps(lab: Lab, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/pods"
    containers = [{"name": f"step-{name}", "image": "x"} for name in "ab"]
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p", "namespace": namespace},
        "spec": {"containers": containers, "initContainers": [{"name": "prepare", "image": "x"}]},
    }
    made = lab.call(lab.store.create, built_in("Pod"), pod)
    code, found = lab.ask("GET", f"{path}/p", headers=PROTOBUF)
    assert (code, found["metadata"]["name"]) == (200, "p")
    ended = {"state": {"terminated": {"exitCode": 0}}}
    statuses = [{"name": one["name"], **ended} for one in containers]
    made["status"] = {"phase": "Succeeded", "containerStatuses": statuses}
    lab.call(lab.store.update_status, built_in("Pod"), made)
    where = f"{path}?fieldSelector=metadata.name%3Dp&{WATCH_LIST}"
    message = follow(lab, where, PROTOBUF, lambda event: event["type"] == "BOOKMARK")
    assert message == ["ADDED", "BOOKMARK"]
    for name in ("step-a", "step-b", "prepare"):
        log = lab.state.container_log(namespace, "p", name)
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(f"from {name}\n")
        query = f"container={name}&follow=true" + ("&timestamps=true" if name == "step-b" else "")
        code, text = lab.ask("GET", f"{path}/p/log?{query}")
        assert code == 200 and text.endswith(f"from {name}\n")


def test_tkn_describes_the_last_run_and_keeps_some(lab: Lab, namespace: str) -> None:
    for number in range(3):
        meta = {"name": f"r{number}", "labels": {"tekton.dev/pipeline": "p"}}
        spec = {"pipelineSpec": {"tasks": [{"name": "t", **STEPS}]}}
        lab.ask("POST", tekton(namespace, "pipelineruns"), {"metadata": meta, "spec": spec})
    code, listed = lab.ask("GET", tekton(namespace, "pipelineruns?labelSelector=tekton.dev%2Fpipeline%3Dp&limit=1"))
    assert code == 200 and len(listed["items"]) == 1 and listed["metadata"]["continue"]
    _, listed = lab.ask("GET", tekton(namespace, "pipelineruns"))
    for one in listed["items"][:2]:
        options = {"kind": "DeleteOptions", "apiVersion": "v1"}
        assert lab.ask("DELETE", tekton(namespace, f"pipelineruns/{one['metadata']['name']}"), options)[0] == 200
    assert len(lab.ask("GET", tekton(namespace, "pipelineruns"))[1]["items"]) == 1


@pytest.mark.parametrize("plural", ["eventlisteners", "triggers", "triggerbindings", "triggertemplates"])
def test_tkn_lists_triggers(lab: Lab, namespace: str, plural: str) -> None:
    code, found = lab.ask("GET", f"/apis/triggers.tekton.dev/v1beta1/namespaces/{namespace}/{plural}")
    assert (code, found["items"]) == (200, [])


@pytest.mark.parametrize("name", ["pipelines-info", "triggers-info", "chains-info", "dashboard-info", "operators-info"])
def test_tkn_works_without_the_config_maps_of_versions(lab: Lab, name: str) -> None:
    for namespace in ("tekton-pipelines", "openshift-pipelines", "openshift-operators", "operators"):
        code, answer = lab.ask("GET", f"/api/v1/namespaces/{namespace}/configmaps/{name}", headers=PROTOBUF)
        assert (code, answer["reason"], answer["details"]["kind"]) == (404, "NotFound", "configmaps")


# -- oc -------------------------------------------------------------------------------------------------------


def test_oc_whoami_works(lab: Lab) -> None:
    unknown = b"k8s\0" + b"\x0a\x2f\x0a\x18authentication.k8s.io/v1\x12\x11SelfSubjectReview\x12\x00\x1a\x00\x22\x00"
    media = "application/vnd.kubernetes.protobuf"
    path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
    code, answer = lab.ask("POST", path, unknown, media=media, headers=PROTOBUF)
    assert code == 201 and answer["status"]["userInfo"]["username"]
    assert "mlops-workshop" in answer["status"]["userInfo"]["groups"], "whom the approval gate takes for a member"
    code, me = lab.ask("GET", "/apis/user.openshift.io/v1/users/~", headers=PROTOBUF)
    assert (code, me["metadata"]["name"]) == (200, answer["status"]["userInfo"]["username"])


def test_oc_makes_a_project_works_in_it_and_deletes_it(lab: Lab) -> None:
    projects = "/apis/project.openshift.io/v1/projects"
    assert lab.ask("GET", "/apis/project.openshift.io/v1/projectrequests")[0] == 200
    request = {"kind": "ProjectRequest", "apiVersion": "project.openshift.io/v1", "metadata": {"name": "mine"}}
    code, made = lab.ask("POST", "/apis/project.openshift.io/v1/projectrequests", {**request, "displayName": "Mine"})
    assert (code, made["kind"], made["metadata"]["name"]) == (201, "Project", "mine")
    assert lab.ask("POST", "/apis/project.openshift.io/v1/projectrequests", request)[0] == 409
    assert lab.ask("GET", f"{projects}/mine", headers=PROTOBUF)[1]["status"]["phase"] == "Active"
    code, table = lab.ask("GET", f"{projects}?limit=500", headers=TABLE)
    assert code == 200 and ["mine", "Mine", "Active"] in [row["cells"] for row in table["rows"]]
    options = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background"}
    assert lab.ask("DELETE", f"{projects}/mine", options)[0] == 200
    code, answer = lab.ask("GET", f"{projects}/mine")
    assert (code, answer["message"]) == (404, 'projects.project.openshift.io "mine" not found')


def field(number: int, value: bytes | str) -> bytes:
    """A field of a protobuf message: text, or a message in it, shorter than 128 bytes."""
    raw = value.encode() if isinstance(value, str) else value
    return bytes([number << 3 | 2, len(raw)]) + raw


def test_oc_logout_is_answered_with_the_warning_that_the_token_stays_valid(lab: Lab) -> None:
    for plural in ("oauthaccesstokens", "useroauthaccesstokens"):
        url = f"{lab.server.url}/apis/oauth.openshift.io/v1/{plural}/sha256~x"
        answer = lab.http.request("DELETE", url, headers=lab.http.headers)
        assert answer.status == 404
        assert answer.headers["Warning"].startswith('299 - "the token is still valid')


def test_oc_links_a_secret_to_an_account(lab: Lab, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts"
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "c", "uid": "u"}
    _, made = lab.ask("POST", path, {"metadata": {"name": "robot", "ownerReferences": [owner]}})
    owner_sent = b"".join(field(n, text) for n, text in ((1, "ConfigMap"), (3, "c"), (4, "u"), (5, "v1")))
    meta = field(1, "robot") + field(3, namespace) + field(6, made["metadata"]["resourceVersion"])
    account = field(1, meta + field(13, owner_sent)) + field(2, field(3, "token")) + field(3, field(1, "pull"))
    envelope = field(1, field(1, "v1") + field(2, "ServiceAccount")) + field(2, account)
    code, linked = lab.ask("PUT", f"{path}/robot", b"k8s\0" + envelope, media="application/vnd.kubernetes.protobuf")
    assert code == 200, linked
    assert linked["secrets"] == [{"name": "token"}] and linked["imagePullSecrets"] == [{"name": "pull"}]
    assert linked["metadata"]["ownerReferences"] == [owner]


STATUS = [
    "/api/v1/namespaces/{}/services",
    "/api/v1/namespaces/{}/replicationcontrollers",
    "/api/v1/namespaces/{}/pods",
    "/api/v1/namespaces/{}/secrets",
    "/api/v1/namespaces/{}/serviceaccounts",
    "/api/v1/namespaces/{}/persistentvolumeclaims",
    "/apis/apps/v1/namespaces/{}/deployments",
    "/apis/apps/v1/namespaces/{}/daemonsets",
    "/apis/apps/v1/namespaces/{}/replicasets",
    "/apis/apps/v1/namespaces/{}/statefulsets",
    "/apis/batch/v1/namespaces/{}/cronjobs",
    "/apis/batch/v1/namespaces/{}/jobs",
    "/apis/route.openshift.io/v1/namespaces/{}/routes",
]


@pytest.mark.parametrize("path", STATUS)
def test_oc_status_finds_every_list_that_it_needs(lab: Lab, namespace: str, path: str) -> None:
    code, found = lab.ask("GET", path.format(namespace), headers=PROTOBUF)
    assert (code, found["items"]) == (200, [])


@pytest.mark.parametrize(
    "path",
    [
        "/apis/apps.openshift.io/v1/namespaces/{}/deploymentconfigs",
        "/apis/security.openshift.io/v1/namespaces/{}/podsecuritypolicyreviews",
    ],
)
def test_oc_gets_not_found_for_groups_that_are_not_served(lab: Lab, namespace: str, path: str) -> None:
    assert lab.ask("GET", path.format(namespace)) == (404, "404 page not found\n")
    assert lab.ask("POST", path.format(namespace), {"metadata": {"name": "x"}})[0] == 404


def test_oc_exposes_a_service(lab: Lab, namespace: str) -> None:
    services = f"/api/v1/namespaces/{namespace}/services"
    service = {"metadata": {"name": "web"}, "spec": {"ports": [{"port": 80, "name": "http"}]}}
    assert lab.ask("POST", services, service)[0] == 201
    assert lab.ask("GET", f"{services}/web", headers=PROTOBUF)[0] == 200
    route = {
        "kind": "Route",
        "apiVersion": "route.openshift.io/v1",
        "metadata": {"name": "web", "creationTimestamp": None},
        "spec": {"host": "", "to": {"kind": "", "name": "web", "weight": None}, "port": {"targetPort": "http"}},
        "status": {"ingress": None},
    }
    path = f"/apis/route.openshift.io/v1/namespaces/{namespace}/routes"
    code, made = lab.ask("POST", f"{path}?fieldManager=kubectl-expose", route)
    assert (code, made["spec"]["to"]["name"]) == (201, "web")
    assert lab.ask("GET", f"{path}?limit=500", headers=TABLE)[1]["rows"][0]["cells"][0] == "web"


def test_oc_adm_policy_gives_a_role(lab: Lab, namespace: str) -> None:
    path = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/rolebindings"
    assert lab.ask("GET", path)[1]["items"] == []
    assert lab.ask("GET", "/apis/rbac.authorization.k8s.io/v1/clusterroles/edit")[0] == 200
    binding = {
        "metadata": {"name": "edit", "creationTimestamp": None},
        "subjects": [{"kind": "ServiceAccount", "namespace": namespace, "name": "pipeline"}],
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "edit"},
    }
    assert lab.ask("POST", path, binding)[0] == 201
