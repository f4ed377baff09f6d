"""`workshop doctor` in a terminal like those of participants."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from workshop.programs import require
from workshop.programs.find import ON_PATH

KIT = Path(__file__).resolve().parents[3]


def _doctor(state: Path, **env: str) -> tuple[int, dict[str, dict[str, Any]]]:
    """The exit code, and the findings by name."""
    done = subprocess.run(
        [sys.executable, "-m", "workshop", "doctor", "-o", "json"],
        cwd=KIT,
        env={**os.environ, "WORKSHOP_STATE": str(state), **env},
        capture_output=True,
        text=True,
    )
    return done.returncode, {finding["name"]: finding for finding in json.loads(done.stdout)["findings"]}


def test_the_doctor_prints_which_prometheus_is_used_and_its_origin(tmp_path: Path) -> None:
    code, found = _doctor(tmp_path / "state")
    assert code == 0
    for name in ("prometheus", "promtool", "alertmanager", "curl"):
        assert found[name]["ok"] and " from " in found[name]["found"], found[name]


def test_a_prometheus_that_is_not_there_is_a_fault_with_its_fix(tmp_path: Path) -> None:
    code, found = _doctor(tmp_path / "state", PATH="/nowhere", WORKSHOP_CACHE=str(tmp_path / "empty"))
    assert code == 3
    assert (found["prometheus"]["ok"], found["prometheus"]["fix"]) == (False, "make setup")


def test_a_missing_optional_part_is_not_an_error(tmp_path: Path) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("git", "bash"):
        (tools / name).symlink_to(f"/usr/bin/{name}")
    for program in (require(name) for name in ("prometheus", "promtool", "alertmanager", "curl")):
        if program.origin == ON_PATH:
            (tools / program.path.name).symlink_to(program.path)
    env = {**os.environ, "WORKSHOP_STATE": str(tmp_path / "state"), "PATH": str(tools)}
    command = [sys.executable, "-m", "workshop", "doctor"]
    done = subprocess.run(command, cwd=KIT, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    for name in ("grafana", "chromium", "podman"):
        (line,) = [line for line in done.stdout.splitlines() if name in line.split()]
        assert line.split()[0] == "optional" and "not there; " in line
    assert "missing" not in {line.split()[0] for line in done.stdout.splitlines() if line.strip()}


def test_a_path_that_is_not_utf8_is_a_fault_and_any_letters_are_not(tmp_path: Path) -> None:
    code, found = _doctor(tmp_path / "Téléchargements žofie's")
    assert code == 0 and found["path of the state"]["ok"]
    folder = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9")
    Path(folder).mkdir()
    code, found = _doctor(Path(folder))
    assert code == 3
    assert "caf\\udce9" in found["path of the state"]["found"] and "rename" in found["path of the state"]["fix"]


def test_a_proxy_is_named_and_never_has_the_labs_addresses(tmp_path: Path) -> None:
    _, found = _doctor(tmp_path / "state", HTTP_PROXY="http://127.0.0.1:9", NO_PROXY="localhost,.corp.example")
    assert found["proxy"]["ok"]
    assert found["proxy"]["found"] == "HTTP_PROXY; not for the lab's own addresses"


def test_modules_of_pythonpath_do_not_come_before_the_locked_packages(tmp_path: Path) -> None:
    (tmp_path / "yaml.py").write_text("raise SystemExit('a foreign yaml')\n")
    (tmp_path / "rich.py").write_text("raise SystemExit('a foreign rich')\n")
    code, found = _doctor(tmp_path / "state", PYTHONPATH=str(tmp_path))
    assert code == 0
    assert found["PYTHONPATH"]["found"] == f"{tmp_path}, which the lab ignores"
