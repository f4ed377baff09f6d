"""Grafana as a part of the lab. Grafana is in no registry, so a stand-in shows how the lab starts it."""

from __future__ import annotations

import asyncio
import configparser
import json
import os
import shlex
import stat
import sys
from pathlib import Path

import pytest
import yaml

from workshop.lab.build import build_lab
from workshop.lab.components import grafana
from workshop.lab.components.process import ProcessRunner, ProcessSpec
from workshop.lab.paths import KIT, LabPaths
from workshop.lab.store import Store

DASHBOARDS = KIT / "grafana" / "rendered"
URL = "http://127.0.0.1:4711"
STAND_IN = f"""#!/bin/sh
exec {shlex.quote(sys.executable)} - "$@" <<'END'
import json, os, sys
import socket
from http.server import BaseHTTPRequestHandler, HTTPServer
from configparser import RawConfigParser
ini = RawConfigParser()
ini.read(next(a for a in sys.argv if a.startswith("--config="))[9:])
json.dump({{"argv": sys.argv[1:], "env": dict(os.environ)}}, open("called.json", "w"))
class Health(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/api/health" else 404)
        self.end_headers()
    def address_string(self):
        return ""
class Server(HTTPServer):
    address_family = socket.AF_UNIX
    def server_bind(self):
        self.socket.bind(self.server_address)
Server(ini["server"]["socket"], Health).serve_forever()
END
"""


def _install(root: Path, name: str) -> Path:
    """A tree as the tar archive of Grafana has it."""
    program = root / "bin" / name
    program.parent.mkdir(parents=True)
    program.write_text(STAND_IN)
    program.chmod(0o755)
    (root / "conf").mkdir()
    (root / "conf" / "defaults.ini").touch()
    return program


@pytest.fixture
def only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine on which nothing but the test's own folder has programs."""
    monkeypatch.setattr(grafana, "INSTALL_FOLDERS", (str(tmp_path / "usr-share-grafana"),))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return tmp_path


def _made(folder: Path) -> ProcessSpec:
    env = {"PATH": "/bin", "HOME": "/nowhere"}
    made = grafana.process(folder, URL, env, "http://127.0.0.1:9", "the-token", DASHBOARDS)
    assert made is not None
    return made


def test_without_grafana_there_is_no_such_part(only: Path) -> None:
    assert grafana.process(only / "state", URL, {}, "http://127.0.0.1:9", "the-token", DASHBOARDS) is None
    assert not (only / "state").exists()


@pytest.mark.parametrize(("name", "words"), [("grafana", ["server"]), ("grafana-server", [])])
def test_grafana_is_found_on_the_path_and_in_the_usual_folders(only: Path, name: str, words: list[str]) -> None:
    program = _install(only / "usr-share-grafana", name)
    assert grafana.installed() == ([str(program), *words], only / "usr-share-grafana")
    (only / "bin").mkdir()
    (only / "bin" / name).symlink_to(program)
    assert grafana.installed() == ([str(only / "bin" / name), *words], only / "usr-share-grafana")


def test_a_program_without_grafanas_own_files_is_not_taken(only: Path) -> None:
    program = _install(only / "usr-share-grafana", "grafana")
    (program.parents[1] / "conf" / "defaults.ini").unlink()
    assert grafana.installed() is None


def test_it_listens_on_a_private_socket_allows_anonymous_viewers_and_sends_no_telemetry(only: Path) -> None:
    _install(only / "usr-share-grafana", "grafana")
    made = _made(only / "state")
    ini = configparser.RawConfigParser()
    ini.read(only / "state" / "grafana.ini")
    assert ini["server"]["protocol"] == "socket" and ini["server"]["socket"] == str(made.socket)
    assert ini["server"]["socket_mode"] == "0600" and ini["server"]["root_url"] == f"{URL}/"
    assert ini["auth.anonymous"]["org_role"] == "Viewer"
    assert all(
        ini["paths"][name].startswith(str(only / "state")) for name in ("data", "logs", "plugins", "provisioning")
    )
    off = [("analytics", name) for name in ini["analytics"]] + [
        ("news", "news_feed_enabled"),
        ("users", "allow_sign_up"),
    ]
    assert {ini[section][name] for section, name in off} == {"false"}
    assert {ini["plugins"][name] for name in ("preinstall_disabled", "public_key_retrieval_disabled")} == {"true"}


def test_the_password_is_random_kept_and_read_by_this_user_only(only: Path) -> None:
    _install(only / "usr-share-grafana", "grafana")
    made = _made(only / "state")
    file = only / "state" / "admin-password"
    password = file.read_text()
    assert len(password) >= 20 and stat.S_IMODE(file.stat().st_mode) == 0o600
    ini = (only / "state" / "grafana.ini").read_text()
    assert password not in ini + str(made) and f"$__file{{{file}}}" in ini
    _made(only / "state")
    assert file.read_text() == password


def test_the_datasource_and_the_dashboards_are_provisioned(only: Path) -> None:
    _install(only / "usr-share-grafana", "grafana")
    _made(only / "state")
    provisioning = only / "state" / "provisioning"
    (source,) = yaml.safe_load((provisioning / "datasources" / "kit.yaml").read_text())["datasources"]
    assert source["url"] == "http://127.0.0.1:9" and source["type"] == "prometheus" and source["editable"] is False
    assert source["jsonData"]["httpHeaderName1"] == "Authorization"
    assert source["secureJsonData"]["httpHeaderValue1"] == "Bearer the-token"
    assert stat.S_IMODE((provisioning / "datasources" / "kit.yaml").stat().st_mode) == 0o600
    (provider,) = yaml.safe_load((provisioning / "dashboards" / "kit.yaml").read_text())["providers"]
    found = {path.name for path in Path(provider["options"]["path"]).glob("*.json")}
    assert found == {"quality.json", "regression.json", "serving.json"}


def test_it_is_called_with_its_configuration_and_with_nothing_of_the_users_shell(
    only: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GF_SECURITY_ADMIN_PASSWORD", "of-the-shell")
    _install(only / "usr-share-grafana", "grafana")
    made = _made(only / "state")

    async def started() -> str:
        lab = build_lab(LabPaths(only), Store(), "token", {}, {})
        await lab.launcher.open()
        runner = ProcessRunner(lab, "grafana", lambda: made)
        task = asyncio.create_task(runner.run())
        while lab.parts["grafana"].state == "starting":
            await asyncio.sleep(0.05)
        state = lab.parts["grafana"].state
        await runner.stop()
        await task
        await lab.launcher.close()
        return state

    assert asyncio.run(started()) == "ready"
    called = json.loads((only / "state" / "called.json").read_text())
    assert called["argv"] == ["server", f"--config={only}/state/grafana.ini", f"--homepath={only}/usr-share-grafana"]
    assert not [name for name in called["env"] if name.startswith("GF_")]
    assert "GF_SECURITY_ADMIN_PASSWORD" in os.environ
