"""The alerts: each one matches its unit tests and links to its heading in the runbook."""

from __future__ import annotations

import re
import subprocess

import pytest
import yaml

from grafana import render
from grafana.render import prometheus_rule
from tests.grafana.boards import ALERTS, KIT, rules
from workshop.programs import require


def test_alerts_and_runbook_headings_are_the_same() -> None:
    headings = re.findall(r"^## (\w+)$", (KIT / "grafana" / "runbook.md").read_text(), re.M)
    assert [rule["alert"] for rule in rules()] == headings


def test_every_alert_links_to_its_heading() -> None:
    made = [rule for group in prometheus_rule()["spec"]["groups"] for rule in group["rules"] if "alert" in rule]
    links = {rule["alert"]: rule["annotations"]["runbook"] for rule in made}
    assert links == {rule["alert"]: f"grafana/runbook.md#{rule['alert'].lower()}" for rule in rules()}


def test_a_runbook_url_is_absolute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render, "RUNBOOK_URL", "https://git.example.com/kit/blob/main/grafana/runbook.md")
    made = [rule for group in prometheus_rule()["spec"]["groups"] for rule in group["rules"] if "alert" in rule]
    made = [rule["annotations"] for rule in made]
    assert all(one["runbook_url"].startswith("https://git.example.com/kit/") for one in made)
    assert made[0]["runbook_url"].endswith("/grafana/runbook.md#modelfailing")


def test_every_alert_has_a_unit_test_that_fires_and_one_that_does_not() -> None:
    alerts = {rule["alert"] for rule in rules()}
    cases = [
        c for t in yaml.safe_load((ALERTS / "tests.yaml").read_text())["tests"] for c in t.get("alert_rule_test", [])
    ]
    assert {c["alertname"] for c in cases if c.get("exp_alerts")} == alerts
    assert {c["alertname"] for c in cases if not c.get("exp_alerts")} == alerts


def test_every_alert_says_where_it_is_and_how_bad() -> None:
    for rule in rules():
        assert rule["labels"]["severity"] in ("critical", "warning"), rule["alert"]
        assert "$labels.namespace" in rule["annotations"]["summary"], rule["alert"]


def test_the_alerts_that_a_retraining_can_be_routed_by_are_those_about_the_model() -> None:
    starting = [rule["alert"] for rule in rules() if rule["labels"].get("starts") == "retrain"]
    assert starting == ["ModelDrift", "ModelMisses"]


def test_alerts_fire_and_stay_silent_as_their_unit_tests_say() -> None:
    run = subprocess.run(
        [require("promtool").path, "test", "rules", str(ALERTS / "tests.yaml")],
        capture_output=True,
        text=True,
        cwd=ALERTS,
    )
    assert run.returncode == 0, run.stdout + run.stderr
