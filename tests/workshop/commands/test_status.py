"""`workshop status` when the supervisor's report is outdated."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path

import pytest

from tests.workshop.lab.serving import Lab
from workshop.commands import status
from workshop.lab.api import auth
from workshop.lab.parts import Part
from workshop.lab.paths import LabPaths
from workshop.lab.report import Lock, Report, write


def ready(lab: LabPaths, api: str) -> None:
    """Write what a supervisor writes whose API is at `api`."""
    parts = [Part("lab", "ready", None, os.getpid())]
    write(lab, Report("ready", os.getpid(), time.time(), parts, {"api": api}))


def test_a_lab_whose_api_does_not_answer_is_not_ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status, "ANSWER_SECONDS", 0.3)
    lab = LabPaths(tmp_path / "lab")
    lab.make()
    auth.certificate(lab.tls)
    lock = Lock(lab)
    assert lock.take()
    with socket.create_server(("127.0.0.1", 0)) as mute:
        ready(lab, f"https://127.0.0.1:{mute.getsockname()[1]}")
        found = status.status_of(lab)
    lock.release()
    assert found["running"] and found["phase"] == "failed"
    assert found["components"][0]["state"] == "failed"
    assert "its API does not answer" in found["components"][0]["message"]


def test_a_lab_whose_api_answers_is_ready(tmp_path: Path) -> None:
    server = Lab(tmp_path / "lab")
    lock = Lock(server.state)
    assert lock.take()
    try:
        ready(server.state, server.server.url)
        found = status.status_of(server.state)
    finally:
        lock.release()
        server.stop()
    assert found["phase"] == "ready" and "message" not in found["components"][0]
