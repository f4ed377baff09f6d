"""Runs the alert rules over series with promtool, and says which alerts have fired in a stretch of time."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.grafana.boards import ALERTS
from tests.season import STEP
from workshop.programs import require


@dataclass(frozen=True)
class Stretch:
    """A stretch of time, in seconds, and the alerts that fire in it: no others."""

    since: float
    until: float
    alerts: Sequence[str] = ()


def contradictions(folder: Path, cases: Mapping[str, tuple[Iterable[dict[str, str]], Sequence[Stretch]]]) -> str:
    """What promtool says when the rules do not do what the stretches say; empty when they do."""
    tests = [
        {
            "name": name,
            "interval": f"{STEP:.0f}s",
            "input_series": list(series),
            "promql_expr_test": [_expected(stretch) for stretch in stretches],
        }
        for name, (series, stretches) in cases.items()
    ]
    content = {"rule_files": [str(ALERTS / "rules.yaml")], "evaluation_interval": f"{STEP:.0f}s", "tests": tests}
    file = folder / "cases.yaml"
    # JSON is YAML, and quicker to write.
    file.write_text(json.dumps(content))
    run = subprocess.run(
        [str(require("promtool").path), "test", "rules", str(file)], capture_output=True, text=True, check=False
    )
    return "" if run.returncode == 0 else run.stdout + run.stderr


def _expected(stretch: Stretch) -> dict[str, object]:
    window = max(STEP, round((stretch.until - stretch.since) / STEP) * STEP)
    return {
        "expr": f'group by (alertname) (max_over_time(ALERTS{{alertstate="firing"}}[{window:.0f}s]))',
        "eval_time": f"{round(stretch.until / STEP) * STEP:.0f}s",
        "exp_samples": [{"labels": f'{{alertname="{name}"}}', "value": 1} for name in sorted(stretch.alerts)],
    }
