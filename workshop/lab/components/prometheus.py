"""Prometheus: scrapes the Pods that monitors select, evaluates rules and answers the dashboards' queries.

Its files follow the objects of `monitoring.coreos.com`; the monitoring controller writes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from workshop.lab.components.base import Component
from workshop.lab.monitoring.files import PrometheusFiles
from workshop.programs import find

MISSING = "there is no Prometheus, so dashboards stay empty; run: make setup, then workshop down && workshop up"


def component(folder: Path, port: int, env: Mapping[str, str]) -> Component:
    """How the lab starts Prometheus; writes its configuration."""
    program = find("prometheus")
    if program is None:
        return Component(name="prometheus", missing=MISSING)
    files = PrometheusFiles(folder)
    files.prepare()
    return Component(
        name="prometheus",
        argv=[
            str(program.path),
            f"--config.file={files.config}",
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
