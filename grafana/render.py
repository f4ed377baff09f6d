"""Write what a cluster takes: `python -m grafana.render`.

The dashboards as JSON, and the alerts as a PrometheusRule with a link to each runbook heading. Both are
committed, so that a cluster needs no Python, and never edited. A test renders again and compares.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder

from grafana.config import RUNBOOK
from grafana.dashboards import ALL

HERE = Path(__file__).parent
RENDERED = HERE / "rendered"
RULE = HERE / "alerts" / "prometheusrule.yaml"


def rendered() -> dict[Path, str]:
    """Each file that should be there, and its text."""
    files = {
        RENDERED / f"{name}.json": JSONEncoder(sort_keys=True, indent=2).encode(build()) + "\n"
        for name, build in ALL.items()
    }
    files[RULE] = yaml.safe_dump(prometheus_rule(), sort_keys=False, width=110)
    return files


def prometheus_rule() -> dict[str, Any]:
    """The alerts as the PrometheusRule of a cluster, each with its runbook link."""
    rules: dict[str, Any] = yaml.safe_load((HERE / "alerts" / "rules.yaml").read_text(encoding="utf-8"))
    for group in rules["groups"]:
        for rule in group["rules"]:
            rule["annotations"]["runbook_url"] = f"{RUNBOOK}#{rule['alert'].lower()}"
    labels = {"app.kubernetes.io/name": "model-serving", "app.kubernetes.io/part-of": "mlops-workshop"}
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "model-serving", "labels": labels},
        "spec": rules,
    }


def main() -> None:
    """Write the files."""
    RENDERED.mkdir(exist_ok=True)
    for path, text in rendered().items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
