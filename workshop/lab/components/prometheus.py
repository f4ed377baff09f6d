"""Prometheus: scrapes the Pods that monitors select, evaluates rules and answers the dashboards' queries.

Its files follow the objects of `monitoring.coreos.com`; the monitoring controller writes them. Alerts go to the lab's
Alertmanager.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from workshop.lab.components.process import ProcessSpec
from workshop.lab.components.protected import runner, served
from workshop.lab.monitoring.files import PrometheusFiles
from workshop.lab.parts import ComponentSpec, Runner, Station
from workshop.lab.sessions import LOGIN
from workshop.languages.catalog import N_

if TYPE_CHECKING:
    from workshop.lab.lab import Lab

NAME = "prometheus"
MISSING = "Prometheus is not installed, so dashboards stay empty; run: make setup, then workshop down && workshop up"


def process(binary: Path, folder: Path, env: Mapping[str, str], external_url: str, port: int = 0) -> ProcessSpec:
    """The command of Prometheus; writes its configuration with a new password.

    `external_url` is its address in links. Port 0 is any free port.
    """
    files = PrometheusFiles(folder)
    files.prepare()
    return served(
        NAME,
        binary,
        folder,
        env,
        external_url,
        port,
        f"--config.file={files.config}",
        f"--storage.tsdb.path={folder / 'data'}",
        "--storage.tsdb.retention.time=7d",
        # By default the pages of any site may read the responses. This pattern matches no origin.
        "--web.cors.origin=none",
    )


def _make(lab: Lab) -> Runner:
    return runner(lab, NAME, MISSING, process)


SPEC = ComponentSpec(
    make=_make,
    title="Prometheus",
    login=LOGIN,
    port=19090,
    variable="PROMETHEUS_URL",
    task_variable="PROMETHEUS_URL",
    token_variable="PROMETHEUS_TOKEN",  # noqa: S106 a name
    station=Station("grafana", N_("dashboards"), endpoint="dashboards"),
)
