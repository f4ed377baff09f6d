"""Admission of the kinds of monitoring.coreos.com."""

from __future__ import annotations

from typing import Any

import pytest

from tests.workshop.lab.serving import Lab

GROUP = "/apis/monitoring.coreos.com/v1/namespaces"
RULE = {"alert": "Down", "expr": "up == 0", "for": "1m"}


def _post(lab: Lab, namespace: str, plural: str, spec: dict[str, Any], strict: str = "") -> tuple[int, Any]:
    query = f"?fieldValidation={strict}" if strict else ""
    return lab.ask("POST", f"{GROUP}/{namespace}/{plural}{query}", {"metadata": {"name": "x"}, "spec": spec})


def _rule(**changes: Any) -> dict[str, Any]:
    return {"groups": [{"name": "g", "rules": [RULE | changes]}]}


PATTERN = "^(0|(([0-9]+)y)?(([0-9]+)w)?(([0-9]+)d)?(([0-9]+)h)?(([0-9]+)m)?(([0-9]+)s)?(([0-9]+)ms)?)$"
DENIED = 'admission webhook "prometheusrules.openshift.io" denied the request: The rules are not valid: '
RULES = {
    "for": (
        _rule(**{"for": "5 minutes"}),
        'PrometheusRule.monitoring.coreos.com "x" is invalid: spec.groups[0].rules[0].for: Invalid value: "5 minutes": '
        f"spec.groups[0].rules[0].for in body should match '{PATTERN}'",
    ),
    "label": (_rule(labels={"a-b": "c"}), DENIED + 'group "g", rule 1, "Down": invalid label name: a-b'),
    "template": (
        _rule(annotations={"s": "{{ $value | nothing }}"}),
        DENIED + 'group "g", rule 1, "Down": annotation "s": template: __alert_Down:1: function "nothing" not defined',
    ),
    "query": (
        _rule(expr="sum(up"),
        DENIED + 'group "g", rule 1, "Down": could not parse expression: 1:7: parse error: unclosed left parenthesis',
    ),
    "two": (
        {"groups": [{"name": "g", "rules": [{"alert": "a", "record": "b", "expr": "up"}]}]},
        DENIED + "group \"g\", rule 1, \"a\": only one of 'record' and 'alert' must be set",
    ),
}


@pytest.mark.parametrize(("spec", "message"), RULES.values(), ids=RULES)
def test_a_rule_that_prometheus_would_not_load_is_refused(
    lab: Lab, namespace: str, spec: dict[str, Any], message: str
) -> None:
    code, answer = _post(lab, namespace, "prometheusrules", spec)
    assert code == 422, answer
    assert answer["message"].startswith(message)


def test_a_rule_that_prometheus_loads_is_accepted_and_can_be_patched(lab: Lab, namespace: str) -> None:
    assert _post(lab, namespace, "prometheusrules", _rule(keep_firing_for="1m"))[0] == 201
    path = f"{GROUP}/{namespace}/prometheusrules/x"
    assert lab.ask("PATCH", path, {"spec": _rule(**{"for": "never"})}, media="application/merge-patch+json")[0] == 422
    patch = {"metadata": {"labels": {"team": "a"}}}
    assert lab.ask("PATCH", path, patch, media="application/merge-patch+json")[0] == 200


@pytest.mark.parametrize("plural", ["podmonitors", "servicemonitors"])
def test_a_field_of_a_monitor_that_the_lab_cannot_honour_is_refused_with_its_path(
    lab: Lab, namespace: str, plural: str
) -> None:
    key = "podMetricsEndpoints" if plural == "podmonitors" else "endpoints"
    spec = {"selector": {}, key: [{"port": "metrics", "scheme": "https"}]}
    code, answer = _post(lab, namespace, plural, spec)
    kind = "PodMonitor" if plural == "podmonitors" else "ServiceMonitor"
    assert (code, answer["message"]) == (
        422,
        f'{kind}.monitoring.coreos.com "x" is invalid: spec.{key}[0].scheme: the lab\'s Pods serve their metrics as '
        "plain HTTP without credentials; use http",
    )
    spec[key] = [{"port": "metrics", "interval": "5 seconds"}]
    code, answer = _post(lab, namespace, plural, spec)
    assert code == 422 and f"spec.{key}[0].interval: Invalid value" in answer["message"]
    spec[key] = [{"port": "metrics", "intervall": "5s"}]
    code, answer = _post(lab, namespace, plural, spec, "Strict")
    assert code == 400 and f'unknown field "spec.{key}[0].intervall"' in answer["message"]
    spec[key] = [{"port": "metrics", "interval": "5s"}]
    assert _post(lab, namespace, plural, spec)[0] == 201
