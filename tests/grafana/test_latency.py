"""Latency: buckets that fit the measured values, and quantiles that are not invented."""

from __future__ import annotations

import json
import math
import subprocess
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from modelserver.families import BOUNDS

from grafana import config, queries
from tests.grafana.boards import KIT, rules
from workshop.lab.gateway.metrics import BUCKETS
from workshop.programs import require

EXECUTOR = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
SERIES = 'seldon_api_executor_server_requests_seconds_bucket{service="predictions",le="%s"}'


def test_all_servers_of_the_kit_have_the_same_buckets_and_the_executors_are_among_them() -> None:
    bounds = BOUNDS["REQUEST"]
    assert bounds == BUCKETS
    assert set(EXECUTOR) <= set(bounds)
    assert list(bounds) == sorted(set(bounds))
    assert (bounds[0], bounds[-1]) == (config.FASTEST, config.SLOWEST)


def test_what_one_row_takes_falls_between_bounds_that_are_close() -> None:
    fine = [bound for bound in BOUNDS["REQUEST"] if bound <= 0.005]
    assert fine[0] == 0.0001
    assert all(second / first <= 2 for first, second in pairwise(fine))


@pytest.mark.parametrize(
    ("quantile", "seconds", "expected"),
    [(0.5, 0.00002, 0.0001), (0.99, 0.00002, 0.0001), (0.5, 0.00025, 0.00025), (0.5, 60.0, 10.0)],
)
def test_a_quantile_in_the_first_or_the_last_bucket_is_its_bound(
    tmp_path: Path, quantile: float, seconds: float, expected: float
) -> None:
    bounds = [*BOUNDS["REQUEST"], math.inf]
    series = [
        {"series": SERIES % ("+Inf" if bound == math.inf else bound), "values": f"0+{10 * (seconds <= bound)}x20"}
        for bound in bounds
    ]
    expr = queries.latency(quantile, 'service="predictions"', "2m")
    sample = {"labels": "{}", "value": expected}
    case = {"interval": "15s", "input_series": series, "promql_expr_test": [
        {"expr": f"round({expr}, 0.000001)", "eval_time": "4m", "exp_samples": [sample]}
    ]}  # fmt: skip
    (tmp_path / "rules.yaml").write_text("groups: []\n")
    (tmp_path / "tests.yaml").write_text(yaml.safe_dump({"rule_files": ["rules.yaml"], "tests": [case]}))
    done = subprocess.run(
        [require("promtool").path, "test", "rules", "tests.yaml"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def latency_panels() -> list[dict[str, Any]]:
    board = json.loads((KIT / "grafana/rendered/serving.json").read_text())
    return [panel for panel in board["panels"] if "histogram_quantile" in json.dumps(panel.get("targets"))]


def test_every_panel_of_a_quantile_shows_the_bounds_as_bounds() -> None:
    panels = latency_panels()
    assert len(panels) == 3
    for panel in panels:
        low, high = panel["fieldConfig"]["defaults"]["mappings"]
        assert (low["type"], low["options"]["to"], low["options"]["result"]["text"]) == ("range", 0.0001, "≤ 0.1 ms")
        assert (high["type"], high["options"]["from"], high["options"]["result"]["text"]) == ("range", 10, "≥ 10 s")


def test_thresholds_of_latency_are_bounds_of_buckets() -> None:
    """Inside a bucket, a quantile is an estimate; only at a bound does it say how many answers are beyond."""
    (slow,) = (rule["expr"] for rule in rules() if rule["alert"] == "ModelSlow")
    thresholds = [panel["fieldConfig"]["defaults"].get("thresholds", {"steps": []}) for panel in latency_panels()]
    steps = [step["value"] for one in thresholds for step in one["steps"]]
    assert {float(slow.rpartition(">")[2]), *(step for step in steps if step)} <= set(BOUNDS["REQUEST"])
