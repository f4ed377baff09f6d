"""Prometheus: scrapes the Pods that monitors select, evaluates rules and answers the dashboards' queries.

Its files follow the objects of `monitoring.coreos.com`; the monitoring controller writes them. Prometheus can check a
password, but no bearer token and no Host header. So it listens on a port that the kernel chooses and asks for a random
password, and the lab forwards to it what the token gate admits.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import bcrypt
import yaml

from workshop.lab import process_environment
from workshop.lab.components.process import ProcessRunner, ProcessSpec
from workshop.lab.monitoring.files import PrometheusFiles
from workshop.lab.parts import ComponentSpec, Runner, Station
from workshop.lab.private_files import write_private
from workshop.lab.runtimes.base import Mount
from workshop.lab.sessions import LOGIN
from workshop.programs import find

if TYPE_CHECKING:
    from workshop.lab.lab import Lab

NAME = "prometheus"
USER = "lab"
MISSING = "Prometheus is not installed, so dashboards stay empty; run: make setup, then workshop down && workshop up"
_ROUNDS = 5
"""The password has 256 bits, so a slow hash is of no use; Prometheus checks it at each new connection."""


def process(binary: Path, folder: Path, env: Mapping[str, str], external_url: str, port: int = 0) -> ProcessSpec:
    """The command of Prometheus; writes its configuration with a new password.

    `external_url` is its address in links. Port 0 is any free port.
    """
    files = PrometheusFiles(folder)
    files.prepare()
    password = secrets.token_urlsafe(32)
    _write_password(folder / "web.yml", password)
    given = base64.b64encode(f"{USER}:{password}".encode()).decode()
    return ProcessSpec(
        argv=[
            str(binary),
            f"--config.file={files.config}",
            f"--storage.tsdb.path={folder / 'data'}",
            "--storage.tsdb.retention.time=7d",
            # By default the pages of any site may read the responses. This pattern matches no origin.
            "--web.cors.origin=none",
            f"--web.config.file={folder / 'web.yml'}",
            f"--web.external-url={external_url}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--log.level=warn",
        ],
        env=dict(env),
        cwd=folder,
        ready_url=f"http://127.0.0.1:{port}/-/ready",
        log=folder / "prometheus.log",
        headers={"Authorization": f"Basic {given}"},
    )


def _write_password(file: Path, password: str) -> None:
    hashed = bcrypt.hashpw(password.encode(), bcrypt.gensalt(_ROUNDS)).decode()
    write_private(file, yaml.safe_dump({"basic_auth_users": {USER: hashed}}).encode())


def _make(lab: Lab) -> Runner:
    # A late import: the command line reads the component descriptions and must not wait for a server.
    from workshop.lab.components.gated import GatedRunner

    program = find(NAME)
    if program is None:
        return ProcessRunner(lab, NAME, missing=MISSING)

    def spec() -> ProcessSpec:
        env = process_environment.base(lab.paths) | program.env
        made = process(program.path, lab.paths.component(NAME), env, str(lab.url(NAME)))
        # A distribution's Prometheus reads the files of its pages from /usr/share.
        mounts = (Mount(source, expected, read_only=True) for expected, source in sorted(program.shared.items()))
        return replace(made, mounts=tuple(mounts))

    return GatedRunner(lab, NAME, spec)


SPEC = ComponentSpec(
    make=_make,
    title="Prometheus",
    login=LOGIN,
    port=19090,
    variable="PROMETHEUS_URL",
    task_variable="PROMETHEUS_URL",
    token_variable="PROMETHEUS_TOKEN",  # noqa: S106 a name
    station=Station("grafana", "dashboards", endpoint="dashboards"),
)
