"""Grafana, if it is installed: provisioned with the lab's Prometheus and the kit's dashboards only.

It listens on a Unix socket, and the lab forwards to it what the token gate admits. Visitors need no login of Grafana:
they see the dashboards and cannot change them. The administrator's password is in the state folder.
Grafana makes no requests to the internet (updates, plugins, news, avatars). Without Grafana, the lab's own viewer draws
the same files. No registry within reach has Grafana, so tests cover the configuration and the command line, but not the
program.
"""

from __future__ import annotations

import configparser
import io
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from workshop.lab import process_environment
from workshop.lab.components.process import ProcessSpec
from workshop.lab.components.sockets import socket_folder
from workshop.lab.parts import ComponentSpec, Runner, Tool
from workshop.lab.private_files import write_private
from workshop.lab.sessions import LOGIN

if TYPE_CHECKING:
    from workshop.lab.lab import Lab

NAME = "grafana"
COOKIE = "grafana_"
"""The start of the names of Grafana's cookies."""
SOCKET_NAME = "grafana.sock"
INSTALL_FOLDERS = ("/usr/share/grafana", "/usr/local/share/grafana", "/opt/homebrew/share/grafana", "/opt/grafana")
"""Where packages of Linux and macOS put Grafana's files. The program may be in `bin` below them."""


def process(
    folder: Path, url: str, env: Mapping[str, str], prometheus_url: str, token: str, dashboards: Path
) -> ProcessSpec | None:
    """The command of Grafana; writes its configuration. None when Grafana is not installed.

    `url` is its address in links, `token` that of Prometheus.
    """
    found = installed()
    if found is None:
        return None
    words, home = found
    folder.mkdir(parents=True, exist_ok=True)
    socket = socket_folder(folder, len(SOCKET_NAME)) / SOCKET_NAME
    password = folder / "admin-password"
    write_private(password, password.read_bytes() if password.exists() else secrets.token_urlsafe(18).encode())
    write_private(folder / "grafana.ini", settings(folder, url, socket, dashboards).encode())
    provisioned = {
        "datasources": _datasource(prometheus_url, token),
        "dashboards": _provider(dashboards),
    }
    for kind, body in provisioned.items():
        write_private(folder / "provisioning" / kind / "kit.yaml", yaml.safe_dump(body, sort_keys=False).encode())
    return ProcessSpec(
        argv=[*words, f"--config={folder / 'grafana.ini'}", f"--homepath={home}"],
        env=dict(env),
        cwd=folder,
        ready_url=f"{url}/api/health",
        log=folder / "grafana.log",
        socket=socket,
    )


def installed() -> tuple[list[str], Path] | None:
    """The server's command, and the folder of Grafana's files; None when either is missing."""
    for name, words in (("grafana", ["server"]), ("grafana-server", [])):
        candidates = [Path(folder) / "bin" / name for folder in INSTALL_FOLDERS]
        on_path = shutil.which(name)
        for program in ([Path(on_path)] if on_path else []) + [one for one in candidates if one.exists()]:
            homes = [program.resolve().parents[1], *map(Path, INSTALL_FOLDERS)]
            home = next((one for one in homes if (one / "conf" / "defaults.ini").exists()), None)
            if home is not None:
                return [str(program), *words], home
    return None


def settings(folder: Path, url: str, socket: Path, dashboards: Path) -> str:
    """The file grafana.ini. The password is in a separate file, which only this user can read."""
    made = configparser.RawConfigParser()
    made.read_dict(
        {
            "paths": {
                "data": folder / "data",
                "logs": folder / "logs",
                "plugins": folder / "plugins",
                "provisioning": folder / "provisioning",
            },
            "server": {"protocol": "socket", "socket": socket, "socket_mode": "0600", "root_url": f"{url}/"},
            "security": {
                "admin_user": "admin",
                "admin_password": f"$__file{{{folder / 'admin-password'}}}",
                "disable_gravatar": "true",
            },
            "auth.anonymous": {"enabled": "true", "org_role": "Viewer", "hide_version": "true"},
            "users": {"allow_sign_up": "false", "default_theme": "system"},
            "dashboards": {"default_home_dashboard_path": dashboards / "serving.json"},
            "analytics": {
                "reporting_enabled": "false",
                "check_for_updates": "false",
                "check_for_plugin_updates": "false",
                "feedback_links_enabled": "false",
            },
            "news": {"news_feed_enabled": "false"},
            "plugins": {
                "preinstall_disabled": "true",
                "plugin_admin_enabled": "false",
                "public_key_retrieval_disabled": "true",
            },
            # The lab forwards no WebSockets.
            "live": {"max_connections": "0"},
            "snapshots": {"external_enabled": "false"},
            # Prometheus evaluates the alerts.
            "unified_alerting": {"enabled": "false"},
            "log": {"mode": "console", "level": "warn"},
        }
    )
    text = io.StringIO()
    made.write(text)
    return text.getvalue()


def _make(lab: Lab) -> Runner | None:
    # A late import: the command line reads the component descriptions and must not wait for a server.
    from workshop.lab.components.gated import GatedRunner

    if installed() is None:
        return None

    def spec() -> ProcessSpec:
        dashboards = lab.kit / "grafana" / "rendered"
        url, prometheus, env = str(lab.url(NAME)), str(lab.url("prometheus")), process_environment.base(lab.paths)
        made = process(lab.paths.component(NAME), url, env, prometheus, lab.token, dashboards)
        assert made is not None
        return made

    return GatedRunner(lab, NAME, spec, cookies=(COOKIE,))


def _datasource(prometheus_url: str, token: str) -> dict[str, Any]:
    source = {
        "name": "Prometheus",
        "uid": "prometheus",
        "type": "prometheus",
        "access": "proxy",
        "url": prometheus_url,
        "isDefault": True,
        "editable": False,
        # The scrape interval of the lab's Prometheus; $__rate_interval follows from it.
        "jsonData": {"timeInterval": "5s", "httpMethod": "POST", "httpHeaderName1": "Authorization"},
        "secureJsonData": {"httpHeaderValue1": f"Bearer {token}"},
    }
    return {"apiVersion": 1, "datasources": [source]}


def _provider(dashboards: Path) -> dict[str, Any]:
    provider = {
        "name": "kit",
        "folder": "MLOps workshop",
        "type": "file",
        "disableDeletion": True,
        "allowUiUpdates": False,
        "updateIntervalSeconds": 10,
        "options": {"path": str(dashboards)},
    }
    return {"apiVersion": 1, "providers": [provider]}


def _find(_name: str) -> str | None:
    found = installed()
    return found[0][0] if found else None


SPEC = ComponentSpec(
    make=_make,
    title="Grafana",
    login=LOGIN,
    port=13001,
    tool=Tool(NAME, otherwise="the lab draws the dashboards itself", find=_find),
)
