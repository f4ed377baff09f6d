"""Write the files for a cluster: `python -m grafana.render`.

They are the dashboards as JSON, and the alerts as a PrometheusRule, each with its heading in the runbook. Both are
committed, so a cluster needs no Python; do not edit them. A test renders them again and compares. USE_CASE is the
folder of another classification; all regressions have the same dashboard and alerts. RUNBOOK_URL is the address of
grafana/runbook.md on your Git server, for alerts with a link.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Any

import yaml
from delivery import usecase
from delivery.usecase import CLASSIFICATION
from grafana_foundation_sdk.cog.encoder import JSONEncoder

from grafana.config import RUNBOOK, RUNBOOK_URL, USE_CASE
from grafana.dashboards import ALL

HERE = Path(__file__).parent
KIT = usecase.read(HERE.parent / "model")
"""The use case whose classes rules.yaml names."""
RENDERED = HERE / "rendered"
RULE = HERE / "alerts" / "prometheusrule.yaml"


def rendered() -> dict[Path, str]:
    """Each rendered file and its text."""
    files = {
        RENDERED / f"{name}.json": JSONEncoder(sort_keys=True, indent=2).encode(build()) + "\n"
        for name, build in ALL.items()
    }
    files[RULE] = yaml.safe_dump(prometheus_rule(), sort_keys=False, width=110)
    return files


def prometheus_rule() -> dict[str, Any]:
    """The rules as a PrometheusRule, each alert with its heading in the runbook."""
    groups = _groups()
    for group in groups:
        for rule in (rule for rule in group["rules"] if "alert" in rule):
            heading = f"#{rule['alert'].lower()}"
            link = {"runbook_url": f"{RUNBOOK_URL}{heading}"} if RUNBOOK_URL else {"runbook": f"{RUNBOOK}{heading}"}
            rule["annotations"] |= link
    labels = {"app.kubernetes.io/name": "model-serving", "app.kubernetes.io/part-of": "mlops-workshop"}
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "model-serving", "labels": labels},
        "spec": {"groups": groups},
    }


def _groups() -> list[dict[str, Any]]:
    """The groups of rules.yaml, with the classes of the use case."""
    text = (HERE / "alerts" / "rules.yaml").read_text(encoding="utf-8")
    names = dict(zip(KIT.classes, USE_CASE.classes, strict=True))
    text = re.sub(r'(?<=")(\w+)(?=")|(?<=predicted )(\w+)', lambda word: names.get(word[0], word[0]), text)
    groups: list[dict[str, Any]] = yaml.safe_load(text)["groups"]
    return groups


def main() -> None:
    """Write the files to this folder, or to the folder given by --out."""
    parser = argparse.ArgumentParser(prog="python -m grafana.render", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--out", type=Path, default=HERE, help="of rendered/ and alerts/ (default: grafana/)")
    out: Path = parser.parse_args().out
    if USE_CASE.task != CLASSIFICATION:
        parser.error(
            f"{USE_CASE.folder} is a {USE_CASE.task}, and nothing of it is named here: {RENDERED.name}/regression.json "
            "and alerts/prometheusrule.yaml of the kit are its dashboard and its alerts"
        )
    for path, text in rendered().items():
        file = out / path.relative_to(HERE)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
