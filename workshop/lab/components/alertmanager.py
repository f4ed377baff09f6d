"""Alertmanager: groups the alerts of Prometheus and sends them to the receivers of AlertmanagerConfigs.

Its configuration follows the objects; the controller `alertmanager` writes it. It is one process, without a cluster of
Alertmanagers, so it opens no port for others.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from workshop.lab.components.process import ProcessSpec
from workshop.lab.components.protected import runner, served
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
    return served(
        NAME,
        binary,
        folder,
        env,
        external_url,
        port,
        f"--config.file={files.config}",
        f"--storage.path={folder / 'data'}",
        "--cluster.listen-address=",
    )


def _make(lab: Lab) -> Runner:
    return runner(lab, NAME, MISSING, process)


# A distribution's Alertmanager has no web page, so the navigation has no link to it.
SPEC = ComponentSpec(make=_make, port=19093, variable="ALERTMANAGER_URL")
