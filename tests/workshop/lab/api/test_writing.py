"""Create, update, patch, apply and delete."""

from __future__ import annotations

from typing import Any

from tests.workshop.lab.serving import Lab

MERGE, JSON_PATCH = "application/merge-patch+json", "application/json-patch+json"
STRATEGIC, APPLY = "application/strategic-merge-patch+json", "application/apply-patch+yaml"


def configs(namespace: str, rest: str = "") -> str:
    return f"/api/v1/namespaces/{namespace}/configmaps{rest}"


def deployment(**container: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "web"},
        "spec": {
            "selector": {"matchLabels": {"a": "b"}},
            "template": {
                "metadata": {"labels": {"a": "b"}},
                "spec": {"containers": [{"name": "c", "image": "x:1", **container}]},
            },
        },
    }


def containers(obj: dict[str, Any]) -> list[dict[str, Any]]:
    return obj["spec"]["template"]["spec"]["containers"]  # type: ignore[no-any-return]


def test_created_object_is_complete(lab: Lab, namespace: str) -> None:
    code, made = lab.ask("POST", configs(namespace), {"metadata": {"name": "x"}, "data": {"a": "b"}})
    meta = made["metadata"]
    assert code == 201 and (made["apiVersion"], made["kind"]) == ("v1", "ConfigMap")
    assert meta["namespace"] == namespace and len(meta["uid"]) == 36 and meta["creationTimestamp"].endswith("Z")
    assert meta["managedFields"][0]["fieldsV1"] == {"f:data": {".": {}, "f:a": {}}}
    assert (meta["managedFields"][0]["manager"], meta["managedFields"][0]["operation"]) == ("python-httpx", "Update")


def test_generated_name_has_five_more_characters(lab: Lab, namespace: str) -> None:
    names = {
        lab.ask("POST", configs(namespace), {"metadata": {"generateName": "g-"}})[1]["metadata"]["name"]
        for _ in range(3)
    }
    assert len(names) == 3 and all(len(name) == 7 for name in names)


def test_dry_run_stores_nothing(lab: Lab, namespace: str) -> None:
    code, made = lab.ask("POST", configs(namespace, "?dryRun=All"), {"metadata": {"name": "x"}})
    assert code == 201 and made["metadata"]["uid"]
    assert lab.ask("GET", configs(namespace, "/x"))[0] == 404


def test_yaml_bodies_are_read(lab: Lab, namespace: str) -> None:
    raw = b"metadata: {name: yaml}\ndata: {day: '2026-01-01'}\n"
    code, made = lab.ask("POST", configs(namespace), raw, media="application/yaml")
    assert (code, made["data"]) == (201, {"day": "2026-01-01"})


def test_secret_texts_become_base64(lab: Lab, namespace: str) -> None:
    body = {"metadata": {"name": "s"}, "stringData": {"p": "q"}}
    _, made = lab.ask("POST", f"/api/v1/namespaces/{namespace}/secrets", body)
    assert (made["data"], made["type"]) == ({"p": "cQ=="}, "Opaque") and "stringData" not in made


def test_merge_patch_removes_with_null(lab: Lab, namespace: str) -> None:
    lab.ask("POST", configs(namespace), {"metadata": {"name": "x"}, "data": {"a": "1", "b": "2"}})
    _, made = lab.ask("PATCH", configs(namespace, "/x"), {"data": {"a": None, "c": "3"}}, media=MERGE)
    assert made["data"] == {"b": "2", "c": "3"}


def test_json_patch_tests_before_it_changes(lab: Lab, namespace: str) -> None:
    lab.ask("POST", configs(namespace), {"metadata": {"name": "x"}, "data": {"a": "1"}})
    steps = [{"op": "test", "path": "/data/a", "value": "2"}, {"op": "remove", "path": "/data/a"}]
    code, answer = lab.ask("PATCH", configs(namespace, "/x"), steps, media=JSON_PATCH)
    assert (code, answer["reason"]) == (422, "Invalid")
    steps[0]["value"] = "1"
    assert lab.ask("PATCH", configs(namespace, "/x"), steps, media=JSON_PATCH)[1]["data"] == {}


def test_json_patch_that_cannot_be_used_is_answered_as_a_real_server_does(lab: Lab, namespace: str) -> None:
    lab.ask("POST", configs(namespace), {"metadata": {"name": "x"}, "data": {"a": "1"}})
    path = configs(namespace, "/x")
    _, misfit = lab.ask("PATCH", path, [{"op": "remove", "path": "/nope"}], media=JSON_PATCH)
    assert misfit == {
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "reason": "Invalid", "code": 422,
        "message": "the server rejected our request due to an error in our request", "details": {},
    }  # fmt: skip
    code, unreadable = lab.ask("PATCH", path, {"op": "remove"}, media=JSON_PATCH)
    expected = "json: cannot unmarshal object into Go value of type jsonpatch.Patch"
    assert (code, unreadable["message"]) == (400, expected)
    assert lab.ask("PATCH", path, [{}] * 10_001, media=JSON_PATCH)[0] == 413
    assert lab.ask("GET", path)[1]["data"] == {"a": "1"}


def test_a_run_is_cancelled_by_the_patch_that_tkn_sends(lab: Lab, namespace: str) -> None:
    path = f"/apis/tekton.dev/v1/namespaces/{namespace}/pipelineruns"
    step = {"name": "s", "image": "busybox", "script": "sleep 60"}
    tasks = [{"name": "t", "taskSpec": {"steps": [step]}}]
    lab.ask("POST", path, {"metadata": {"name": "r"}, "spec": {"pipelineSpec": {"tasks": tasks}}})
    cancel = [{"op": "replace", "path": "/spec/status", "value": "Cancelled"}]
    code, made = lab.ask("PATCH", f"{path}/r", cancel, media=JSON_PATCH)
    assert (code, made["spec"]["status"]) == (200, "Cancelled")


def test_strategic_patch_merges_lists_by_key(lab: Lab, namespace: str) -> None:
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments"
    lab.ask("POST", path, deployment(env=[{"name": "A", "value": "1"}]))
    change = {"spec": {"template": {"spec": {"containers": [{"name": "c", "env": [{"name": "B", "value": "2"}]}]}}}}
    _, made = lab.ask("PATCH", f"{path}/web", change, media=STRATEGIC)
    assert containers(made) == [
        {"name": "c", "image": "x:1", "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]}
    ]


def test_strategic_patch_of_a_custom_kind_is_unsupported(lab: Lab, namespace: str) -> None:
    body = {"metadata": {"name": "t"}, "spec": {"steps": [{"name": "s", "image": "busybox", "script": "true"}]}}
    path = f"/apis/tekton.dev/v1/namespaces/{namespace}/tasks"
    assert lab.ask("POST", path, body)[0] == 201
    assert lab.ask("PATCH", f"{path}/t", {"spec": {"description": "d"}}, media=STRATEGIC)[0] == 415
    assert lab.ask("PATCH", f"{path}/t", {"spec": {"description": "d"}}, media=MERGE)[0] == 200


def test_custom_kind_needs_a_version_for_an_update(lab: Lab, namespace: str) -> None:
    body = {
        "apiVersion": "tekton.dev/v1",
        "kind": "Task",
        "metadata": {"name": "t"},
        "spec": {"steps": [{"name": "s", "image": "busybox", "script": "true"}]},
    }
    path = f"/apis/tekton.dev/v1/namespaces/{namespace}/tasks"
    lab.ask("POST", path, body)
    code, answer = lab.ask("PUT", f"{path}/t", body)
    assert code == 422 and "must be specified for an update" in answer["message"]


def test_status_is_written_only_through_its_subresource(lab: Lab, namespace: str) -> None:
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments"
    _, made = lab.ask("POST", path, {**deployment(), "status": {"replicas": 9}})
    assert "status" not in made
    _, made = lab.ask("PATCH", f"{path}/web", {"status": {"replicas": 9}, "spec": {"paused": True}}, media=MERGE)
    assert "replicas" not in made["status"] and made["metadata"]["generation"] == 2
    _, made = lab.ask(
        "PATCH", f"{path}/web/status", {"status": {"replicas": 1}, "spec": {"paused": False}}, media=MERGE
    )
    assert made["status"]["replicas"] == 1 and made["spec"]["paused"] is True
    assert made["metadata"]["generation"] == 2


def test_scale_changes_the_replicas(lab: Lab, namespace: str) -> None:
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments"
    lab.ask("POST", path, deployment())
    _, scale = lab.ask("PATCH", f"{path}/web/scale", {"spec": {"replicas": 3}}, media=MERGE)
    assert (scale["kind"], scale["spec"]) == ("Scale", {"replicas": 3})
    assert lab.ask("GET", f"{path}/web")[1]["spec"]["replicas"] == 3
    to_four = [{"op": "replace", "path": "/spec/replicas", "value": 4}]
    assert lab.ask("PATCH", f"{path}/web/scale", to_four, media=JSON_PATCH)[1]["spec"] == {"replicas": 4}
    assert lab.ask("PATCH", f"{path}/web/scale", [{"op": "remove", "path": "/x"}], media=JSON_PATCH)[0] == 422
    assert lab.ask("PUT", f"{path}/web/scale", [])[0] == 400


def applied(
    lab: Lab, namespace: str, manager: str, data: dict[str, str] | None, *, force: bool = False
) -> tuple[int, Any]:
    body: dict[str, Any] = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}}
    body |= {"data": data} if data else {}
    query = f"?fieldManager={manager}&force={str(force).lower()}"
    return lab.ask("PATCH", configs(namespace, f"/x{query}"), body, media=APPLY)


def test_apply_removes_what_its_manager_no_longer_names(lab: Lab, namespace: str) -> None:
    assert applied(lab, namespace, "one", {"a": "1", "b": "2"})[0] == 201
    assert applied(lab, namespace, "two", {"b": "2", "c": "3"})[0] == 200
    code, made = applied(lab, namespace, "one", None)
    assert code == 200 and made["data"] == {"b": "2", "c": "3"}
    assert [entry["manager"] for entry in made["metadata"]["managedFields"]] == ["two"]


def test_forced_apply_takes_the_field_over(lab: Lab, namespace: str) -> None:
    applied(lab, namespace, "one", {"a": "1"})
    assert applied(lab, namespace, "two", {"a": "2"})[0] == 409
    code, made = applied(lab, namespace, "two", {"a": "2"}, force=True)
    assert code == 200 and made["data"] == {"a": "2"}
    assert applied(lab, namespace, "one", {"a": "1"})[0] == 409


def test_apply_that_changes_nothing_keeps_the_version(lab: Lab, namespace: str) -> None:
    first = applied(lab, namespace, "one", {"a": "1"})[1]
    again = applied(lab, namespace, "one", {"a": "1"})[1]
    assert again["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]


def test_a_port_without_a_protocol_is_the_one_with_tcp(lab: Lab, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/services/s?fieldManager=one"
    body: dict[str, Any] = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}}
    for name, protocol in (("a", {}), ("b", {}), ("c", {"protocol": "TCP"})):
        port = {"port": 80, "targetPort": 8080, "name": name}
        body["spec"] = {"ports": [{**port, **protocol}]}
        code, made = lab.ask("PATCH", path, body, media=APPLY)
        assert code in (200, 201) and made["spec"]["ports"] == [{**port, "protocol": "TCP"}]


def test_apply_merges_lists_by_key(lab: Lab, namespace: str) -> None:
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments"
    body = {"apiVersion": "apps/v1", "kind": "Deployment", **deployment(env=[{"name": "A", "value": "1"}])}
    lab.ask("PATCH", f"{path}/web?fieldManager=one", body, media=APPLY)
    more = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {"template": {"spec": {"containers": [{"name": "c", "env": [{"name": "B", "value": "2"}]}]}}},
    }
    code, made = lab.ask("PATCH", f"{path}/web?fieldManager=two", more, media=APPLY)
    assert code == 200 and [e["name"] for e in containers(made)[0]["env"]] == ["A", "B"]
    del body["spec"]["template"]["spec"]["containers"][0]["env"]
    code, made = lab.ask("PATCH", f"{path}/web?fieldManager=one", body, media=APPLY)
    assert code == 200, made
    assert [e["name"] for e in containers(made)[0]["env"]] == ["B"]


def test_delete_takes_what_the_object_owns_unless_orphaned(lab: Lab, namespace: str) -> None:
    for policy, code in (("Background", 404), ("Orphan", 200)):
        _, owner = lab.ask("POST", configs(namespace), {"metadata": {"name": "owner"}})
        reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner["metadata"]["uid"]}
        lab.ask("POST", configs(namespace), {"metadata": {"name": "child", "ownerReferences": [reference]}})
        _, status = lab.ask("DELETE", configs(namespace, "/owner"), {"propagationPolicy": policy})
        assert (status["status"], status["details"]["uid"]) == ("Success", owner["metadata"]["uid"])
        found, child = lab.ask("GET", configs(namespace, "/child"))
        assert found == code
    assert "ownerReferences" not in child["metadata"] or child["metadata"]["ownerReferences"] == []


def test_delete_with_another_uid_conflicts(lab: Lab, namespace: str) -> None:
    lab.ask("POST", configs(namespace), {"metadata": {"name": "x"}})
    assert lab.ask("DELETE", configs(namespace, "/x"), {"preconditions": {"uid": "other"}})[0] == 409
    assert lab.ask("GET", configs(namespace, "/x"))[0] == 200


def test_collection_is_deleted_by_selector(lab: Lab, namespace: str) -> None:
    for name in ("a", "b", "c"):
        lab.ask("POST", configs(namespace), {"metadata": {"name": name, "labels": {"l": name}}})
    _, gone = lab.ask("DELETE", configs(namespace, "?labelSelector=l+in+(a,b)"))
    assert len(gone["items"]) == 2
    assert [o["metadata"]["name"] for o in lab.ask("GET", configs(namespace))[1]["items"]] == ["c"]


def test_namespace_takes_its_objects_along(lab: Lab) -> None:
    lab.ask("POST", "/api/v1/namespaces", {"metadata": {"name": "short-lived"}})
    lab.ask("POST", configs("short-lived"), {"metadata": {"name": "x"}})
    assert lab.ask("DELETE", "/apis/project.openshift.io/v1/projects/short-lived")[0] == 200
    assert lab.ask("GET", "/api/v1/namespaces/short-lived")[0] == 404
    lab.ask("POST", "/api/v1/namespaces", {"metadata": {"name": "short-lived"}})
    assert lab.ask("GET", configs("short-lived"))[1]["items"] == []


CRD = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "crons.stable.example.com"},
    "spec": {
        "group": "stable.example.com",
        "scope": "Namespaced",
        "names": {"plural": "crons", "kind": "Cron"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "properties": {
                            "spec": {
                                "type": "object",
                                "required": ["every"],
                                "properties": {"every": {"type": "string"}, "times": {"type": "integer", "minimum": 1}},
                            }
                        },
                    }
                },
            }
        ],
    },
}


def test_an_applied_crd_is_served_and_its_schema_is_enforced(lab: Lab, namespace: str) -> None:
    path = f"/apis/stable.example.com/v1/namespaces/{namespace}/crons"
    assert lab.ask("GET", path)[0] == 404
    code, crd = lab.ask("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", CRD)
    assert code == 201 and {c["type"] for c in crd["status"]["conditions"]} == {"NamesAccepted", "Established"}
    for spec, message in (
        (
            {"every": "1m", "times": 0},
            "spec.times: Invalid value: 0: spec.times in body should be greater than or equal to 1",
        ),
        ({"every": 1}, 'spec.every: Invalid value: "integer": spec.every in body must be of type string: "integer"'),
        ({}, "spec.every: Required value"),
    ):
        code, answer = lab.ask("POST", path, {"metadata": {"name": "c"}, "spec": spec})
        assert (code, answer["message"]) == (422, f'Cron.stable.example.com "c" is invalid: {message}')
    assert lab.ask("POST", path, {"metadata": {"name": "c"}, "spec": {"every": "1m"}})[0] == 201
    assert (
        lab.ask(
            "DELETE",
            f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{CRD['metadata']['name']}",  # type: ignore[index]
        )[0]
        == 200
    )
    assert lab.ask("GET", path)[0] == 404


def test_empty_metadata_is_left_out(lab: Lab, namespace: str) -> None:
    meta = {"name": "bare", "labels": {}, "annotations": {"a": "b"}, "finalizers": []}
    _, made = lab.ask("POST", configs(namespace), {"metadata": meta})
    assert "labels" not in made["metadata"] and "finalizers" not in made["metadata"]
    patch = {"metadata": {"annotations": {"a": None}}}
    _, made = lab.ask("PATCH", configs(namespace, "/bare"), patch, media=MERGE)
    assert "annotations" not in made["metadata"]


def test_schema_of_a_crd_bounds_fills_and_prunes(lab: Lab, namespace: str) -> None:
    fields = {
        "mode": {"type": "string", "enum": ["a", "b"], "default": "a"},
        "tag": {"type": "string", "pattern": "^[a-z]+$", "minLength": 2, "maxLength": 3},
        "list": {"type": "array", "minItems": 1, "maxItems": 2, "items": {"type": "string"}},
        "half": {"type": "number", "minimum": 0, "exclusiveMinimum": True, "multipleOf": 0.5},
    }
    spec = {"type": "object", "required": ["mode"], "properties": fields}
    schema = {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec}}}
    version = {"name": "v1", "served": True, "storage": True, "schema": schema}
    names = {"plural": "gadgets", "kind": "Gadget"}
    crd = {
        "metadata": {"name": "gadgets.x.org"},
        "spec": {"group": "x.org", "scope": "Namespaced", "names": names, "versions": [version]},
    }
    definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    assert lab.ask("POST", definitions, crd)[0] == 201
    path = f"/apis/x.org/v1/namespaces/{namespace}/gadgets"
    for field, value, expected in (
        ("mode", "c", 'Unsupported value: "c": supported values: "a", "b"'),
        ("tag", "AB", "Invalid value: \"AB\": spec.tag in body should match '^[a-z]+$'"),
        ("tag", "a", 'Invalid value: "a": spec.tag in body should be at least 2 chars long'),
        ("tag", "abcd", "Too long: may not be more than 3 bytes"),
        ("list", [], "Invalid value: 0: spec.list in body should have at least 1 items"),
        ("list", ["a", "b", "c"], "Too many: 3: must have at most 2 items"),
        ("half", 0, "Invalid value: 0: spec.half in body should be greater than 0"),
        ("half", 0.7, "Invalid value: 0.7: spec.half in body should be a multiple of 0.5"),
    ):
        code, answer = lab.ask("POST", path, {"metadata": {"name": "g"}, "spec": {field: value}})
        assert (code, answer["message"]) == (422, f'Gadget.x.org "g" is invalid: spec.{field}: {expected}')
    sent = {"metadata": {"name": "g"}, "spec": {"tag": "ab", "unknown": 1}, "other": {}}
    code, made = lab.ask("POST", path, sent)
    assert (code, made["spec"], "other" in made) == (201, {"tag": "ab", "mode": "a"}, False)
    version["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["tag"]["pattern"] = "["  # type: ignore[index]
    crd["metadata"]["name"], names["plural"] = "others.x.org", "others"  # type: ignore[index]
    assert lab.ask("POST", definitions, crd)[0] == 422
    version["schema"] = {"openAPIV3Schema": {"type": "object"}}
    version["subresources"] = {"scale": {"specReplicasPath": ".spec.size", "statusReplicasPath": ".status.size"}}
    code, answer = lab.ask("POST", definitions, crd)
    assert code == 422 and answer["message"].endswith('".spec.size": supported values: ".spec.replicas"')
    assert lab.ask("DELETE", f"{definitions}/gadgets.x.org")[0] == 200
