"""Prometheus: scrapes the pods that PodMonitors select and answers the dashboards' queries.

The lab writes one configuration and, as pods come and go, one file of targets, which Prometheus reads again by itself
(file_sd). The rules of PrometheusRules are files too; those it reads when it is told to, by SIGHUP.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import yaml

from workshop.lab.components.base import Component
from workshop.programs import find

MISSING = "there is no Prometheus, so dashboards stay empty; run: make setup, then workshop down && workshop up"


def component(folder: Path, port: int, env: Mapping[str, str]) -> Component:
    """How the lab starts Prometheus; writes its configuration."""
    program = find("prometheus")
    if program is None:
        return Component(name="prometheus", missing=MISSING)
    folder.mkdir(parents=True, exist_ok=True)
    targets = targets_file(folder)
    if not targets.exists():
        targets.write_text("[]")
    config = {
        "global": {"scrape_interval": "5s", "evaluation_interval": "5s"},
        "rule_files": [str(rules_folder(folder) / "*.yaml")],
        "scrape_configs": [
            {
                "job_name": "pods",
                # As a PodMonitor: what the model server calls a label stays what it called it.
                "honor_labels": False,
                "file_sd_configs": [{"files": [str(targets)], "refresh_interval": "2s"}],
            }
        ],
    }
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config, sort_keys=False))
    return Component(
        name="prometheus",
        argv=[
            str(program.path),
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            "--storage.tsdb.retention.time=7d",
            f"--web.listen-address=127.0.0.1:{port}",
            "--log.level=warn",
        ],
        env=dict(env),
        cwd=folder,
        url=f"http://127.0.0.1:{port}",
        ready_url=f"http://127.0.0.1:{port}/-/ready",
        log=folder / "prometheus.log",
    )


def targets_file(folder: Path) -> Path:
    """The file in which the monitoring controller lists what to scrape."""
    return folder / "targets.json"


def rules_folder(folder: Path) -> Path:
    """Where the monitoring controller keeps a file for each PrometheusRule."""
    return folder / "rules"
