"""Readers of the rendered dashboards, their panels and queries, and the alert rules."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from grafana.render import RENDERED

KIT = Path(__file__).resolve().parents[2]
ALERTS = KIT / "grafana" / "alerts"
FILES = sorted(RENDERED.glob("*.json"))
VARIABLES = {
    "__rate_interval": "5m",
    "__interval": "1m",
    "__range": "1h",
    "window": "15m",
    "compare": "1h",
    "namespace": "user1-production",
    "deployment": "flight-delay",
    "feature": "dest",
    "slice": "carrier",
}
OF_A_REGRESSION = {"$deployment": "fuel-consumption", "$feature": "weight", "$slice": "origin"}
"""The values for the dashboard of regressions."""


def load(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return loaded


def panels(path: Path) -> list[dict[str, Any]]:
    return [panel for panel in load(path)["panels"] if panel["type"] != "row"]


def rules() -> list[dict[str, Any]]:
    """The alerts."""
    return [rule for rule in _rules() if "alert" in rule]


def records() -> list[dict[str, Any]]:
    """The recording rules."""
    return [rule for rule in _rules() if "record" in rule]


def _rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load((ALERTS / "rules.yaml").read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def expressions() -> Iterator[tuple[str, str]]:
    """Where, and the PromQL: of panels, annotations, recording rules and alerts."""
    for path in FILES:
        chosen = OF_A_REGRESSION if path.stem == "regression" else {}
        found = [(f"{panel['title']} {one['refId']}", one) for panel in panels(path) for one in panel["targets"]]
        found += [(f"annotation {one['name']}", one) for one in load(path)["annotations"]["list"]]
        for where, one in found:
            expr = one["expr"]
            for variable, value in chosen.items():
                expr = expr.replace(variable, value)
            yield f"{path.name}: {where}", expr
    for rule in records():
        yield f"rules.yaml: record {rule['record']}", rule["expr"]
    for rule in rules():
        yield f"rules.yaml: {rule['alert']}", rule["expr"]


def filled(expr: str) -> str:
    """The query as Prometheus gets it: variables that stand for several values become `.*`."""
    return re.sub(r"\$(\w+)", lambda found: VARIABLES.get(found[1], ".*"), expr)
