"""Alertmanager: groups the alerts of Prometheus and sends them to the receivers of AlertmanagerConfigs.

Its configuration follows the objects; the controller `alertmanager` writes it. It is one process, without a cluster of
Alertmanagers, so it opens no port for others.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from workshop.lab.components.process import ProcessSpec
from workshop.lab.components.protected import protect, runner
from workshop.lab.monitoring.files import AlertmanagerFiles
from workshop.lab.parts import ComponentSpec, Runner

if TYPE_CHECKING:
    from workshop.lab.lab import Lab

NAME = "alertmanager"
MISSING = (
    "Alertmanager is not installed, so no alert starts anything; run: make setup, then workshop down && workshop up"
)


def process(binary: Path, folder: Path, env: Mapping[str, str], external_url: str, port: int = 0) -> ProcessSpec:
    """The command of Alertmanager; writes a new password, and a configuration if there is none.

    `external_url` is its address in links. Port 0 is any free port.
    """
    files = AlertmanagerFiles(folder)
    files.prepare()
    return ProcessSpec(
        argv=[
            str(binary),
            f"--config.file={files.config}",
            f"--storage.path={folder / 'data'}",
            "--cluster.listen-address=",
            f"--web.config.file={folder / 'web.yml'}",
            f"--web.external-url={external_url}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--log.level=warn",
        ],
        env=dict(env),
        cwd=folder,
        ready_url=f"http://127.0.0.1:{port}/-/ready",
        log=folder / "alertmanager.log",
        headers=protect(folder / "web.yml"),
    )


def _make(lab: Lab) -> Runner:
    return runner(lab, NAME, MISSING, process)


# A distribution's Alertmanager has no web page, so the navigation has no link to it.
SPEC = ComponentSpec(make=_make, port=19093, variable="ALERTMANAGER_URL")
