"""Triggers by reference, by selector and in groups; bindings of both kinds; the place of created objects."""

from __future__ import annotations

from typing import Any

import pytest

from tests.workshop.lab.controllers.triggers.conftest import NAMESPACE, Bench, interceptor, listener, template
from workshop.manifests.objects import Object

PATH = f"/{NAMESPACE}/listener"


def trigger(name: str, labels: dict[str, str] | None = None, namespace: str = NAMESPACE, **spec: Any) -> Object:
    return {
        "apiVersion": "triggers.tekton.dev/v1beta1",
        "kind": "Trigger",
        "metadata": {"name": name, "namespace": namespace, "labels": labels or {}},
        "spec": {"template": {"ref": "note"}, "bindings": [{"name": "who", "value": name}], **spec},
    }


@pytest.fixture
def noted(bench: Bench) -> Bench:
    for namespace in (NAMESPACE, "user1-staging"):
        made = template(who="$(tt.params.who)")
        made["metadata"]["namespace"] = namespace
        bench.put(made)
    return bench


def who(bench: Bench) -> list[tuple[str, str]]:
    return sorted((obj["metadata"]["namespace"], obj["data"]["who"]) for obj in bench.made())


def test_a_trigger_by_reference_runs_and_one_that_is_gone_is_passed_over(noted: Bench) -> None:
    noted.put(trigger("a"))
    noted.put(listener({"triggerRef": "a"}, {"triggerRef": "gone"}))
    assert noted.post(PATH, {}).status == 202
    assert who(noted) == [(NAMESPACE, "a")]


def test_labels_select_in_the_listeners_own_namespace(noted: Bench) -> None:
    noted.put(trigger("a", {"team": "flights"}))
    noted.put(trigger("b", {"team": "cars"}))
    noted.put(trigger("c", {"team": "flights"}, "user1-staging"))
    noted.put(listener(labelSelector={"matchLabels": {"team": "flights"}}))
    noted.post(PATH, {})
    assert who(noted) == [(NAMESPACE, "a")]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["user1-staging"], [("user1-staging", "c")]),
        ([NAMESPACE, "user1-staging"], [(NAMESPACE, "a"), ("user1-staging", "c")]),
        (["*"], [(NAMESPACE, "a"), ("user1-staging", "c")]),
    ],
)
def test_namespaces_select_triggers_which_create_in_their_own(
    noted: Bench, names: list[str], expected: list[tuple[str, str]]
) -> None:
    noted.put(trigger("a"))
    noted.put(trigger("c", namespace="user1-staging"))
    noted.put(listener(namespaceSelector={"matchNames": names}))
    noted.post(PATH, {})
    assert who(noted) == expected


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"key": "tier", "operator": "In", "values": ["x"]}, ["a"]),
        ({"key": "tier", "operator": "NotIn", "values": ["x"]}, ["b", "c"]),
        ({"key": "tier", "operator": "Exists"}, ["a", "b"]),
        ({"key": "tier", "operator": "DoesNotExist"}, ["c"]),
    ],
)
def test_label_expressions_select(noted: Bench, rule: dict[str, Any], expected: list[str]) -> None:
    noted.put(trigger("a", {"tier": "x"}))
    noted.put(trigger("b", {"tier": "y"}))
    noted.put(trigger("c"))
    noted.put(listener(labelSelector={"matchExpressions": [rule]}))
    noted.post(PATH, {})
    assert [name for _, name in who(noted)] == expected


def test_a_group_shares_interceptors_and_hands_their_extensions_on(noted: Bench) -> None:
    noted.put(
        trigger(
            "a",
            {"kind": "push"},
            interceptors=[interceptor("cel", filter="extensions.branch == 'main'")],
            bindings=[{"name": "who", "value": "$(extensions.branch)"}],
        )
    )
    noted.put(trigger("b", {"kind": "push"}, interceptors=[interceptor("cel", filter="extensions.branch == 'x'")]))
    noted.put(trigger("c", {"kind": "other"}))
    noted.put(
        listener(
            triggerGroups=[
                {
                    "name": "pushes",
                    "interceptors": [
                        interceptor(
                            "cel",
                            filter="has(body.ref)",
                            overlays=[{"key": "branch", "expression": "body.ref.split('/')[2]"}],
                        )
                    ],
                    "triggerSelector": {"labelSelector": {"matchLabels": {"kind": "push"}}},
                }
            ]
        )
    )
    noted.post(PATH, {"ref": "refs/heads/main"})
    (made,) = noted.made()
    assert made["data"] == {"who": "main"}
    assert made["metadata"]["labels"]["triggers.tekton.dev/triggergroup"] == "pushes"
    noted.post(PATH, {"no": "ref"})
    assert len(noted.made()) == 1


def test_bindings_of_both_kinds_and_values_in_place_are_put_together(bench: Bench) -> None:
    bench.put(
        {
            "apiVersion": "triggers.tekton.dev/v1beta1",
            "kind": "TriggerBinding",
            "metadata": {"name": "one"},
            "spec": {"params": [{"name": "a", "value": "$(body.a)"}]},
        }
    )
    bench.put(
        {
            "apiVersion": "triggers.tekton.dev/v1beta1",
            "kind": "ClusterTriggerBinding",
            "metadata": {"name": "all"},
            "spec": {"params": [{"name": "b", "value": "$(header.X-B)"}]},
        }
    )
    bench.put(template(all="$(tt.params.a) $(tt.params.b) $(tt.params.c)"))
    bench.put(
        listener(
            {
                "name": "t",
                "template": {"ref": "note"},
                "bindings": [
                    {"ref": "one"},
                    {"ref": "all", "kind": "ClusterTriggerBinding"},
                    {"name": "c", "value": "see"},
                ],
            }
        )
    )
    bench.post(PATH, {"a": "ay"}, {"X-B": "bee"})
    assert [obj["data"]["all"] for obj in bench.made()] == ["ay bee see"]


def test_a_template_in_place_and_its_default(bench: Bench) -> None:
    spec = template(a="$(tt.params.x)")["spec"]
    spec["params"][0]["default"] = "nothing"
    bench.put(listener({"name": "t", "template": {"spec": spec}}))
    bench.post(PATH, {})
    assert [obj["data"]["a"] for obj in bench.made()] == ["nothing"]


def test_created_objects_pass_admission(bench: Bench) -> None:
    made = template()
    made["spec"]["resourcetemplates"] = [
        {"apiVersion": "tekton.dev/v1", "kind": "TaskRun", "metadata": {"generateName": "x-"}, "spec": {"nonsense": 1}},
    ]
    bench.put(made)
    bench.put(listener({"name": "t", "template": {"ref": "note"}}))
    bench.post(PATH, {})
    assert bench.made("TaskRun") == []
    assert any(
        'unknown field \\"nonsense\\"' in e["message"] or 'unknown field "nonsense"' in e["message"]
        for e in bench.events()
    )


def test_an_object_with_an_invalid_name_is_not_made(bench: Bench) -> None:
    made = template()
    made["spec"]["resourcetemplates"] = [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "Not_Valid"}}]
    bench.put(made)
    bench.put(listener({"name": "t", "template": {"ref": "note"}}))
    bench.post(PATH, {})
    assert bench.made() == []
    assert any('metadata.name: Invalid value: "Not_Valid"' in e["message"] for e in bench.events())


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("Job", "there is no Job in the lab: the lab runs the Pods"),
        ("Nothing", "could not find API resource for batch/v1 Nothing: oc api-resources lists the kinds"),
    ],
)
def test_a_kind_that_nobody_can_create_is_an_event_and_in_the_log(
    bench: Bench, caplog: pytest.LogCaptureFixture, kind: str, why: str
) -> None:
    made = template()
    made["spec"]["resourcetemplates"] = [{"apiVersion": "batch/v1", "kind": kind, "metadata": {"name": "x"}}]
    bench.put(made)
    bench.put(listener({"name": "t", "template": {"ref": "note"}}))
    bench.post(PATH, {})
    assert bench.made() == []
    assert any(why in e["message"] for e in bench.events())
    assert why in caplog.text


def test_a_pod_is_made_and_the_log_says_that_nothing_starts(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    made = template()
    spec = {"containers": [{"name": "a", "image": "bash"}]}
    made["spec"]["resourcetemplates"] = [{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, "spec": spec}]
    bench.put(made)
    bench.put(listener({"name": "t", "template": {"ref": "note"}}))
    bench.post(PATH, {})
    assert [pod["status"]["phase"] for pod in bench.made("Pod")] == ["Pending"]
    assert "this Pod is stored and nothing starts" in caplog.text


def test_a_template_in_an_older_version_makes_the_stored_one(bench: Bench) -> None:
    made = template()
    made["spec"]["resourcetemplates"] = [{
        "apiVersion": "tekton.dev/v1beta1",
        "kind": "PipelineRun",
        "metadata": {"generateName": "x-"},
        "spec": {"serviceAccountName": "builder", "pipelineRef": {"name": "p"}},
    }]  # fmt: skip
    bench.put(made)
    bench.put(listener({"name": "t", "template": {"ref": "note"}}))
    bench.post(PATH, {})
    (run,) = bench.made("PipelineRun")
    assert run["apiVersion"] == "tekton.dev/v1"
    assert run["spec"]["taskRunTemplate"]["serviceAccountName"] == "builder"
