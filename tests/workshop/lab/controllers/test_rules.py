"""PrometheusRules in the lab: each sees its own namespace, and a wrong one takes no other down."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from workshop.lab.controllers.monitoring.rules import in_namespace, write_rules
from workshop.lab.kinds import built_in
from workshop.lab.paths import KIT
from workshop.lab.store import Store
from workshop.programs import require

ALERTS = KIT / "grafana" / "alerts"
KIND = built_in("PrometheusRule")
DOWN = {"alert": "Down", "expr": "up == 0", "for": "1m", "labels": {"severity": "warning"}}


def _put(store: Store, namespace: str, *rules: dict[str, Any], name: str = "model") -> None:
    body = {
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"groups": [{"name": "g", "rules": list(rules)}]},
    }
    store.create(KIND, body)


def _written(folder: Path) -> dict[str, Any]:
    return {path.name: yaml.safe_load(path.read_text()) for path in folder.glob("*")}


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("up", 'up{namespace="a"}'),
        ("up{}", 'up{namespace="a"}'),
        ('up{namespace=~".+"}', 'up{namespace="a",namespace=~".+"}'),
        ('{__name__="up"} offset 5m', '{__name__="up",namespace="a"} offset 5m'),
        ('rate(x{b="}{"}[5m])', 'rate(x{b="}{",namespace="a"}[5m])'),
        ("count_over_time((sum(x) > 1)[1h:1m])", 'count_over_time((sum(x{namespace="a"}) > 1)[1h:1m])'),
        ("x / on () y unless z", 'x{namespace="a"} / on () y{namespace="a"} unless z{namespace="a"}'),
    ],
)
def test_the_namespace_goes_into_every_selector(query: str, wanted: str) -> None:
    assert " ".join(in_namespace(query, "a").split()) == wanted


def test_the_same_rule_in_two_namespaces_is_two_files_and_groups(tmp_path: Path) -> None:
    store = Store()
    for namespace in ("one", "two"):
        _put(store, namespace, DOWN)
    assert write_rules(store, tmp_path) is True
    written = _written(tmp_path)
    assert set(written) == {"one-model.yaml", "two-model.yaml"}
    (group,) = written["one-model.yaml"]["groups"]
    assert group["name"] == "one/model/g"
    labels = {"severity": "warning", "namespace": "one"}
    assert group["rules"] == [{**DOWN, "expr": 'up{namespace="one"} == 0', "labels": labels}]


def test_nothing_is_written_when_nothing_changed_and_a_rule_that_goes_takes_its_file_along(tmp_path: Path) -> None:
    store = Store()
    _put(store, "one", DOWN)
    write_rules(store, tmp_path)
    assert write_rules(store, tmp_path) is False
    store.delete(KIND, "one", "model")
    assert write_rules(store, tmp_path) is True
    assert _written(tmp_path) == {}


def test_a_query_that_does_not_parse_is_told_by_an_event_and_leaves_the_others_alone(tmp_path: Path) -> None:
    store = Store()
    _put(store, "one", DOWN)
    _put(store, "one", {"alert": "Wrong", "expr": "sum(up"}, name="wrong")
    write_rules(store, tmp_path)
    assert set(_written(tmp_path)) == {"one-model.yaml"}
    (event,) = store.list(built_in("Event"), "one")
    assert event["reason"] == "InvalidConfiguration" and event["type"] == "Warning"
    assert event["message"].startswith("group g, rule Wrong: the query does not parse: ")
    assert event["involvedObject"]["name"] == "wrong"


def test_the_labels_of_a_group_are_those_of_its_rules(tmp_path: Path) -> None:
    store = Store()
    group = {"name": "g", "interval": "30s", "labels": {"team": "a", "severity": "info"}, "rules": [DOWN]}
    store.create(KIND, {"metadata": {"name": "model", "namespace": "one"}, "spec": {"groups": [group]}})
    write_rules(store, tmp_path)
    (written,) = _written(tmp_path)["one-model.yaml"]["groups"]
    assert written["interval"] == "30s" and "labels" not in written
    assert written["rules"][0]["labels"] == {"team": "a", "severity": "warning", "namespace": "one"}


def test_a_field_that_the_labs_prometheus_does_not_know_is_refused_by_name(tmp_path: Path) -> None:
    store = Store()
    group = {"name": "g", "query_offset": "1m", "rules": [DOWN]}
    store.create(KIND, {"metadata": {"name": "model", "namespace": "one"}, "spec": {"groups": [group]}})
    write_rules(store, tmp_path)
    assert _written(tmp_path) == {}
    (event,) = store.list(built_in("Event"), "one")
    assert event["message"].startswith("group g: query_offset is newer than the Prometheus of the lab")


def test_the_kits_alerts_do_in_the_lab_what_their_unit_tests_say(tmp_path: Path) -> None:
    store = Store()
    rule = yaml.safe_load((ALERTS / "prometheusrule.yaml").read_text())
    store.create(KIND, {**rule, "metadata": {**rule["metadata"], "namespace": "user1-production"}})
    write_rules(store, tmp_path / "rules")
    tests = yaml.safe_load((ALERTS / "tests.yaml").read_text())
    tests["rule_files"] = ["rules/*.yaml"]
    for case in (case for test in tests["tests"] for case in test["alert_rule_test"]):
        for alert in case.get("exp_alerts") or []:
            alert["exp_annotations"]["runbook_url"] = f"grafana/runbook.md#{case['alertname'].lower()}"
    (tmp_path / "tests.yaml").write_text(yaml.safe_dump(tests))
    run = subprocess.run(
        [require("promtool").path, "test", "rules", "tests.yaml"], capture_output=True, text=True, cwd=tmp_path
    )
    assert run.returncode == 0, run.stdout + run.stderr
