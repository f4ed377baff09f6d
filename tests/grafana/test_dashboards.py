"""The dashboards: rendered as committed, with queries that parse, panels that explain, metrics that exist."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml

from grafana.render import RENDERED, rendered

KIT = Path(__file__).resolve().parents[2]
ALERTS = KIT / "grafana" / "alerts"
DASHBOARDS = sorted(RENDERED.glob("*.json"))
NOT_OURS = {"up"}
"""Made by Prometheus itself."""


def _load(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return loaded


def _panels(path: Path) -> list[dict[str, Any]]:
    return [panel for panel in _load(path)["panels"] if panel["type"] != "row"]


def _expressions() -> Iterator[tuple[str, str]]:
    for path in DASHBOARDS:
        for panel in _panels(path):
            for target in panel["targets"]:
                yield f"{path.name}: {panel['title']}", target["expr"]
    for group in yaml.safe_load((ALERTS / "rules.yaml").read_text())["groups"]:
        for rule in group["rules"]:
            yield f"rules.yaml: {rule['alert']}", rule["expr"]


def _without_variables(expr: str) -> str:
    expr = re.sub(r"\$__(rate_interval|range|interval)", "5m", expr)
    return re.sub(r"\$\w+", ".*", expr)


def test_what_is_committed_is_what_renders() -> None:
    want = rendered()
    assert {path: path.read_text(encoding="utf-8") for path in RENDERED.iterdir()} == want, (
        "run `python -m grafana.render` and commit grafana/rendered"
    )


@pytest.mark.parametrize("expr", [pytest.param(expr, id=name) for name, expr in _expressions()])
def test_every_query_parses(expr: str) -> None:
    promql_parser.parse(_without_variables(expr))


def test_a_query_that_does_not_parse_is_noticed() -> None:
    with pytest.raises(ValueError):
        promql_parser.parse(_without_variables("sum(rate(x[$__rate_interval])"))


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.name)
def test_panels_have_title_description_unit_datasource_and_ids(path: Path) -> None:
    dashboard = _load(path)
    assert dashboard["uid"]
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(set(ids)) == len(ids) and 0 not in ids
    for panel in _panels(path):
        assert panel["title"] and len(panel["description"]) > 20, panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        assert panel["datasource"]["uid"] == "${datasource}", panel["title"]
        refs = [target["refId"] for target in panel["targets"]]
        assert all(refs) and len(set(refs)) == len(refs), panel["title"]


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.name)
def test_panels_do_not_overlap(path: Path) -> None:
    cells: set[tuple[int, int]] = set()
    for panel in _load(path)["panels"]:
        at = panel["gridPos"]
        mine = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not mine & cells and at["x"] + at["w"] <= 24, panel["title"]
        cells |= mine


@pytest.mark.parametrize("expr", [pytest.param(expr, id=name) for name, expr in _expressions()])
def test_counters_are_read_as_rates_over_scrapes_that_a_dashboard_chooses(expr: str) -> None:
    for metric, window in re.findall(r"(\w+)\{[^}]*\}(\[[^\]]+\])?", expr):
        if metric.endswith(("_total", "_count", "_bucket", "_sum")):
            assert window, f"{metric} is read without rate or increase"
    assert not re.search(r'\ble="', expr), "Prometheus 3 writes le as a float: never match it by equality"


def test_every_metric_is_emitted_by_something_in_the_repository() -> None:
    sources = [
        path.read_text(encoding="utf-8")
        for folder in ("model", "s2i", "workshop")
        for path in (KIT / folder).rglob("*.py")
        if "tests" not in path.parts
    ]
    used = {metric for _, expr in _expressions() for metric in re.findall(r"\b([a-z_]+)\{", expr)}
    missing = {m for m in used - NOT_OURS if not any(_emits(text, m) for text in sources)}
    assert not missing, f"no code in model/, s2i/ or workshop/ names {sorted(missing)}"


def _emits(source: str, metric: str) -> bool:
    """Whether a source names the metric as it is declared, without the suffix that the library adds."""
    family = re.sub(r"_(total|count|bucket|sum)$", "", metric)
    return re.search(rf"[\"']{family}(_total)?[\"']", source) is not None


def test_alerts_and_runbook_headings_are_the_same() -> None:
    rules = yaml.safe_load((ALERTS / "rules.yaml").read_text())
    alerts = [rule["alert"] for group in rules["groups"] for rule in group["rules"]]
    headings = re.findall(r"^## (\w+)$", (KIT / "grafana" / "runbook.md").read_text(), re.M)
    assert alerts == headings


def test_every_alert_has_a_unit_test_that_fires_and_one_that_does_not() -> None:
    rules = yaml.safe_load((ALERTS / "rules.yaml").read_text())
    alerts = {rule["alert"] for group in rules["groups"] for rule in group["rules"]}
    cases = [c for t in yaml.safe_load((ALERTS / "tests.yaml").read_text())["tests"] for c in t["alert_rule_test"]]
    assert {c["alertname"] for c in cases if c.get("exp_alerts")} == alerts


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is not installed (Debian package prometheus)")
def test_alerts_fire_and_stay_silent_as_their_unit_tests_say() -> None:
    run = subprocess.run(
        ["promtool", "test", "rules", str(ALERTS / "tests.yaml")], capture_output=True, text=True, cwd=ALERTS
    )
    assert run.returncode == 0, run.stdout + run.stderr
