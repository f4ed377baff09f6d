"""Common problems: each ends with a clear error and its exit code, leaves no process, and loses nothing."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import KIT, Lab, new_lab
from tests.kit import until


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Lab]:
    """A lab that does not run yet."""
    made = new_lab(tmp_path / "state")
    yield made
    made.workshop("down", check=False)
    for process in made.processes():
        process.kill()


def test_a_port_that_was_asked_for_and_is_in_use(fresh: Lab) -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        port = sock.getsockname()[1]
        done = fresh.workshop("up", "--ports", f"mlflow={port}", check=False)
    assert done.returncode == 3
    assert f"port {port} for mlflow is in use" in done.stderr
    assert "Traceback" not in done.stderr
    until(lambda: not fresh.processes(), 10, "nothing is left running")


def test_ctrl_c_while_the_lab_starts_leaves_nothing_running(fresh: Lab) -> None:
    up = fresh.start("up")
    until(lambda: len(fresh.processes()) > 2, 30, "the lab has begun to start")
    up.send_signal(signal.SIGINT)
    assert up.wait(60) == 130
    until(lambda: not fresh.processes(), 15, "nothing is left running")
    assert fresh.workshop("status", check=False).returncode == 3


@pytest.mark.root
def test_no_room_on_the_disk(fresh: Lab, tmp_path: Path) -> None:
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("a small disk can only be mounted by root")
    disk = tmp_path / "disk"
    disk.mkdir()
    env = {**fresh.env, "WORKSHOP_STATE": str(disk / "state")}
    line = f"mount -t tmpfs -o size=30m none {disk} && exec {sys.executable} -m workshop up"
    done = subprocess.run(["unshare", "--mount", "sh", "-c", line], cwd=KIT, env=env, text=True, capture_output=True)
    if "mount:" in done.stderr:
        pytest.skip("this kernel mounts nothing here")
    assert done.returncode == 3
    assert "MiB free; the lab needs" in done.stderr
    assert "WORKSHOP_STATE" in done.stderr


def test_a_state_folder_that_cannot_be_written(fresh: Lab, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = subprocess.run(
        [sys.executable, "-m", "workshop", "up"],
        cwd=KIT,
        text=True,
        capture_output=True,
        env={**fresh.env, "WORKSHOP_STATE": str(tmp_path / "file" / "state")},
    )
    assert done.returncode == 3
    assert "cannot write to" in done.stderr


def test_commands_without_a_lab_name_the_command_that_starts_it(fresh: Lab) -> None:
    for words in (["status"], ["run", "tekton/runs/build.yaml"], ["check", "01"], ["shell", "true"]):
        done = fresh.workshop(*words, check=False)
        assert done.returncode == 3, (words, done.stderr)
        assert "workshop up" in done.stdout + done.stderr
