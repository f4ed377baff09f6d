"""Prometheus: scrapes the Pods that monitors select, evaluates rules and answers the dashboards' queries.

Its files follow the objects of `monitoring.coreos.com`; the monitoring controller writes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from workshop.lab import process_environment
from workshop.lab.components.process import ProcessRunner, ProcessSpec
from workshop.lab.monitoring.files import PrometheusFiles
from workshop.lab.parts import ComponentSpec, Runner, Station
from workshop.lab.runtimes.base import Mount
from workshop.programs import find

if TYPE_CHECKING:
    from workshop.lab.lab import Lab

NAME = "prometheus"
MISSING = "Prometheus is not installed, so dashboards stay empty; run: make setup, then workshop down && workshop up"


def process(binary: Path, folder: Path, port: int, env: Mapping[str, str]) -> ProcessSpec:
    """The command of Prometheus; writes its configuration."""
    files = PrometheusFiles(folder)
    files.prepare()
    return ProcessSpec(
        argv=[
            str(binary),
            f"--config.file={files.config}",
            f"--storage.tsdb.path={folder / 'data'}",
            "--storage.tsdb.retention.time=7d",
            # By default the pages of any site may read the responses. This pattern matches no origin.
            "--web.cors.origin=none",
            f"--web.listen-address=127.0.0.1:{port}",
            "--log.level=warn",
        ],
        env=dict(env),
        cwd=folder,
        url=f"http://127.0.0.1:{port}",
        ready_url=f"http://127.0.0.1:{port}/-/ready",
        log=folder / "prometheus.log",
    )


def _make(lab: Lab) -> Runner:
    program = find(NAME)

    def spec() -> ProcessSpec:
        assert program is not None
        env = process_environment.base(lab.paths) | program.env
        made = process(program.path, lab.paths.component(NAME), lab.ports[NAME], env)
        # A distribution's Prometheus reads the files of its pages from /usr/share.
        mounts = (Mount(source, expected, read_only=True) for expected, source in sorted(program.shared.items()))
        return replace(made, mounts=tuple(mounts))

    return ProcessRunner(lab, NAME, spec, missing="" if program else MISSING)


SPEC = ComponentSpec(
    make=_make,
    title="Prometheus",
    port=19090,
    binds_by_address=True,
    variable="PROMETHEUS_URL",
    task_variable="PROMETHEUS_URL",
    station=Station("grafana", "dashboards", endpoint="dashboards"),
)
