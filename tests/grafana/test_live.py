"""Every metric and label exists when the real parts run, and every query of every panel has a result."""

from __future__ import annotations

import math
import re

import httpx
import promql_parser
import pytest
from prometheus_client.parser import text_string_to_metric_families

from grafana import queries
from tests.grafana.boards import expressions, filled, records, rules
from tests.grafana.conftest import DEPLOYMENT, NAMESPACE, REQUESTS, SHARES, Stack
from workshop.lab.monitoring.rules import rule_file

# One worker runs all that needs the stack, so that it is started once.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("grafana")]

PROMETHEUS_MAKES = {"up", "ALERTS"}
"""Made by Prometheus itself, so no scrape has them."""
PROMETHEUS_ADDS = {
    "alertname",
    "alertstate",
    "container",
    "endpoint",
    "instance",
    "job",
    "namespace",
    "pod",
    "seldon_deployment_id",
}
WINDOW = "2m"

EMPTY = {
    "annotation Alerts": "nothing fires",
    "regression.json: Values that training did not have": "the schema refuses them",
}
"""Panels that rightly show nothing here."""
ALERTS = {f"rules.yaml: {rule['alert']}" for rule in rules()}
MAY_FIRE = {"rules.yaml: FeatureDrift", "rules.yaml: ModelDrift"}
"""The model of the tests was trained on a part of June, and is asked about July."""


def _emitted(stack: Stack) -> dict[str, set[str]]:
    """Names of samples and their labels, as the servers expose them."""
    found: dict[str, set[str]] = {}
    for server in (*stack.servers.values(), *([stack.regression] if stack.regression else [])):
        text = httpx.get(f"http://127.0.0.1:{server.metrics_port}/prometheus").text
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                found.setdefault(sample.name, set()).update(sample.labels)
            # A counter that has not counted yet has a family but no sample.
            found.setdefault(f"{family.name}_total" if family.type == "counter" else family.name, set())
    return found


def test_every_metric_is_emitted_by_what_runs(stack: Stack) -> None:
    emitted = _emitted(stack)
    used = {name for _, expr in expressions() for name in _selectors(expr)}
    assert used - emitted.keys() - {rule["record"] for rule in records()} == PROMETHEUS_MAKES


def test_every_label_that_is_matched_or_kept_is_one_that_the_metric_has(stack: Stack) -> None:
    emitted = _emitted(stack)
    wrong = []
    for where, expr in expressions():
        for name, labels in _selectors(expr).items():
            if emitted.get(name):
                wrong += [f"{where}: {name} has no label {label}" for label in labels - emitted[name] - PROMETHEUS_ADDS]
    assert wrong == []


def _selectors(expr: str) -> dict[str, set[str]]:
    """The metrics of a query and the labels that it matches."""
    found: dict[str, set[str]] = {}

    def look(node: promql_parser.Expr) -> None:
        if isinstance(node, promql_parser.VectorSelector):
            found.setdefault(str(node.name), set()).update(m.name for m in node.matchers.matchers)

    promql_parser.walk(promql_parser.parse(filled(expr)), pre_visit=look)
    return found


def test_every_query_has_a_result_except_those_with_a_reason(stack: Stack) -> None:
    stack.send_enough_rows()
    wrong = []
    for where, expr in expressions():
        text = re.sub(r"\[(5m|15m|1h)\]", f"[{WINDOW}]", filled(expr))
        found = [one for one in stack.query(text) if not math.isnan(float(one["value"][1]))]
        # Nothing was there an hour ago, and no alert is true of a healthy service.
        silent = "offset" in text or where in ALERTS or any(name in where for name in EMPTY)
        if bool(found) is silent and where not in MAY_FIRE:
            wrong.append(f"{where}: {text}")
    assert wrong == []


# -- what a promotion asks: a window, and one predictor ------------------------------------------------------------


def _number(stack: Stack, expr: str) -> float:
    (one,) = stack.query(expr)
    return float(one["value"][1])


def test_a_query_can_select_one_predictor(stack: Stack) -> None:
    both = queries.where(NAMESPACE, DEPLOYMENT)
    parts = {name: queries.where(NAMESPACE, DEPLOYMENT, name) for name in ("main", "canary")}
    seen = {name: _number(stack, queries.requests_seen(where, WINDOW)) for name, where in parts.items()}
    # `increase` extrapolates to the window's ends: by up to an eighth where scrapes are late.
    assert sum(seen.values()) == pytest.approx(REQUESTS, rel=0.15)
    assert seen["main"] > 2 * seen["canary"] > 0
    assert _number(stack, queries.error_ratio(both, WINDOW)) == 0
    assert 0 < _number(stack, queries.refused_ratio(both, WINDOW)) < 0.1
    assert 0 < _number(stack, queries.latency(0.95, parts["canary"], WINDOW)) < 5
    assert 0 <= _number(stack, queries.probability_distance(parts["main"], parts["canary"], WINDOW)) < 0.5


def test_servers_are_counted_by_pod_and_no_server_is_0(stack: Stack) -> None:
    up = filled(queries.servers_up())
    assert _number(stack, up) == len(SHARES)
    assert _number(stack, up.replace(NAMESPACE, "elsewhere")) == 0


def test_the_scores_are_those_of_the_confusion_matrix(stack: Stack) -> None:
    where = queries.where(NAMESPACE, DEPLOYMENT)
    cells = {
        (one["metric"]["predicted"], one["metric"]["actual"]): float(one["value"][1])
        for one in stack.query(queries.confusion(where, WINDOW))
    }
    hit, miss, alarm, right = (
        cells[key] for key in (("late", "late"), ("on_time", "late"), ("late", "on_time"), ("on_time", "on_time"))
    )
    wanted = {
        queries.accuracy: (hit + right) / (hit + miss + alarm + right),
        queries.precision: hit / (hit + alarm),
        queries.recall: hit / (hit + miss),
        queries.f1: 2 * hit / (2 * hit + miss + alarm),
        queries.balanced_accuracy: (hit / (hit + miss) + right / (right + alarm)) / 2,
    }
    for query, value in wanted.items():
        assert _number(stack, query(where, WINDOW)) == pytest.approx(value, abs=0.01), query.__name__


def test_the_histogram_of_each_predictor_sums_to_one(stack: Stack) -> None:
    share = queries.probability_share(queries.where(NAMESPACE, DEPLOYMENT), WINDOW)
    found = {
        one["metric"]["predictor_name"]: float(one["value"][1])
        for one in stack.query(f"sum by (predictor_name) ({share})")
    }
    assert found == {name: pytest.approx(1) for name in SHARES}


def test_a_rule_of_the_cluster_fires_once_prometheus_has_read_it(stack: Stack) -> None:
    rules = [{"alert": "ModelUp", "expr": "up == 1", "labels": {"severity": "warning"}}]
    spec = {"groups": [{"name": "g", "interval": "1s", "rules": rules}]}
    stack.rules.write_rules(
        stack.own_rules
        | {
            f"{namespace}.yaml": rule_file({"metadata": {"name": "test", "namespace": namespace}, "spec": spec})
            for namespace in (NAMESPACE, "elsewhere")
        }
    )
    try:
        stack.reload()
        stack.until('ALERTS{alertname="ModelUp", alertstate="firing"}')
        found = stack.query('sum by (namespace) (ALERTS{alertname="ModelUp"})')
        # Each rule sees its own namespace: there is nothing up elsewhere.
        assert [one["metric"]["namespace"] for one in found] == [NAMESPACE]
        firing = stack.query(f'ALERTS{{alertstate="firing", namespace="{NAMESPACE}"}}')
        assert _number(stack, filled(queries.firing_count())) == len(firing) >= len(SHARES)
    finally:
        assert stack.rules.write_rules(stack.own_rules) is True
        stack.reload()
