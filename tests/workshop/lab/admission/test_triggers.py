"""Admission of Triggers' kinds, with the messages of its webhook."""

from __future__ import annotations

from typing import Any

import pytest

from workshop.lab.admission import admit
from workshop.lab.api_errors import BadRequest
from workshop.lab.kinds import Kinds
from workshop.manifests.objects import Object

V = "triggers.tekton.dev/v1beta1"
CONFIG_MAP = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "$(tt.params.x)"}}


def put(kind: str, spec: Any, name: str = "a", version: str = V) -> Object:
    found = Kinds().of(version, kind)
    assert found is not None
    return admit(
        found,
        {
            "apiVersion": version,
            "kind": kind,
            "metadata": {"name": name, "namespace": "dev"},
            **({"spec": spec} if spec is not None else {}),
        },
        None,
    )


def refused(kind: str, spec: Any, name: str = "a", version: str = V) -> str:
    with pytest.raises(BadRequest) as found:
        put(kind, spec, name, version)
    return found.value.message


def test_defaults_are_set() -> None:
    made = put(
        "EventListener",
        {
            "triggers": [
                {
                    "bindings": [{"ref": "b"}],
                    "template": {"ref": "t"},
                    "interceptors": [{"ref": {"name": "cel"}}],
                }
            ]
        },
    )
    trigger = made["spec"]["triggers"][0]
    assert trigger["bindings"] == [{"ref": "b", "kind": "TriggerBinding"}]
    assert trigger["interceptors"] == [{"ref": {"name": "cel", "kind": "ClusterInterceptor"}}]


def test_a_cel_filter_that_does_not_parse_is_accepted() -> None:
    put(
        "EventListener",
        {
            "triggers": [
                {
                    "template": {"ref": "t"},
                    "interceptors": [{"ref": {"name": "cel"}, "params": [{"name": "filter", "value": "1 + ("}]}],
                }
            ]
        },
    )


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (
            {"triggers": []},
            "expected exactly one, got neither: spec.labelSelector, spec.namespaceSelector, "
            "spec.triggerGroups, spec.triggers",
        ),
        (
            {"triggers": [{"name": "x"}]},
            "expected exactly one, got neither: spec.triggers[0].template, spec.triggers[0].triggerRef",
        ),
        (
            {"triggers": [{"triggerRef": "x", "template": {"ref": "t"}}]},
            "expected exactly one, got both: spec.triggers[0].template or bindings or interceptors, "
            "spec.triggers[0].triggerRef",
        ),
        (
            {"triggers": [{"name": "bad name", "template": {"ref": "t"}}]},
            "invalid value: trigger name 'bad name' must be a valid label value: spec.triggers[0].name",
        ),
        ({"triggers": [{"template": {"ref": ""}}]}, "missing field(s): spec.triggers[0].template.ref"),
        (
            {"triggers": [{"template": {"ref": "t", "spec": {}}}]},
            "expected exactly one, got both: spec.triggers[0].template.ref, spec.triggers[0].template.spec",
        ),
        (
            {"triggers": [{"template": {"ref": "t"}, "bindings": [{"name": "x"}]}]},
            "missing field(s): spec.triggers[0].bindings[0].Value",
        ),
        (
            {"triggers": [{"template": {"ref": "t"}, "bindings": [{"ref": "x", "kind": "Other"}]}]},
            "invalid value: invalid kind: spec.triggers[0].bindings[0].kind",
        ),
        (
            {"triggers": [{"template": {"ref": "t"}, "interceptors": [{}]}]},
            "missing field(s): spec.triggers[0].interceptors[0].interceptor",
        ),
        (
            {"triggerGroups": [{"name": "g", "interceptors": [], "triggerSelector": {}}]},
            "missing field(s): spec.triggerGroups[0].interceptors",
        ),
        ({"cloudEventURI": "http://x", "triggers": [{"triggerRef": "x"}]}, "spec.CloudEventURI requires"),
        (
            {"triggers": [{"triggerRef": "x"}], "resources": {"customResource": {"a": 1}}},
            "spec.resources.customResource",
        ),
        (
            {"triggers": [{"template": {"ref": "t"}, "interceptors": [{"webhook": {"objectRef": {"name": "x"}}}]}]},
            "the lab runs no webhook interceptors",
        ),
        (
            {
                "triggers": [
                    {
                        "template": {"ref": "t"},
                        "interceptors": [
                            {
                                "ref": {"name": "github"},
                                "params": [{"name": "githubOwners", "value": {"enabled": True}}],
                            }
                        ],
                    }
                ]
            },
            "the lab asks GitHub nothing",
        ),
    ],
)
def test_a_listener_that_cannot_work_is_refused(spec: Any, message: str) -> None:
    expected = refused("EventListener", spec)
    assert expected.startswith('admission webhook "validation.webhook.triggers.tekton.dev" denied the request: ')
    assert message in expected


def test_a_listeners_name_leaves_room_for_its_service() -> None:
    assert "must be no more than 60 characters long: metadata.name" in refused(
        "EventListener", {"triggers": [{"triggerRef": "x"}]}, "a" * 61
    )


def test_an_unknown_field_is_named() -> None:
    assert refused("EventListener", {"trigers": []}) == (
        'admission webhook "webhook.triggers.tekton.dev" denied the request: mutation failed: cannot decode incoming '
        'new object: json: unknown field "trigers"'
    )


def test_an_undeclared_parameter_of_a_template_is_refused() -> None:
    expected = refused("TriggerTemplate", {"resourcetemplates": [CONFIG_MAP]})
    assert "invalid value: undeclared param '$(tt.params.x)': spec.resourcetemplates[0]" in expected
    assert "'$(tt.params.x)' must be declared in spec.params" in expected
    put("TriggerTemplate", {"params": [{"name": "x"}], "resourcetemplates": [CONFIG_MAP]})


@pytest.mark.parametrize(
    ("kind", "spec", "message"),
    [
        ("TriggerTemplate", {"params": []}, "missing field(s): spec.resourcetemplates"),
        (
            "TriggerTemplate",
            {"resourcetemplates": [{"metadata": {}}]},
            "missing field(s): spec.resourcetemplates[0].apiVersion, spec.resourcetemplates[0].kind",
        ),
        ("TriggerBinding", None, "missing field(s): spec"),
        (
            "TriggerBinding",
            {"params": [{"name": "a", "value": "1"}, {"name": "a", "value": "2"}]},
            "expected exactly one, got both: spec.params[1].name",
        ),
        (
            "TriggerBinding",
            {"params": [{"name": "a", "value": "$(body.x $(body.y)"}]},
            "invalid value: $(body.x $(body.y): spec.params[0].value",
        ),
        ("ClusterTriggerBinding", {"params": [{"name": "a", "value": "1"}, {"name": "a", "value": "2"}]}, "got both"),
        ("Trigger", {"bindings": []}, "expected exactly one, got neither: spec.template.ref, spec.template.spec"),
    ],
)
def test_other_kinds_have_their_own_rules(kind: str, spec: Any, message: str) -> None:
    assert message in refused(kind, spec)


def test_an_interceptor_is_at_one_address() -> None:
    config = {"clientConfig": {"url": "http://x", "service": {"name": "s", "namespace": "n"}}}
    assert "got both" in refused("Interceptor", config, version="triggers.tekton.dev/v1alpha1")
    put("ClusterInterceptor", {"clientConfig": {"url": "http://x"}}, version="triggers.tekton.dev/v1alpha1")
