"""A lab that cannot start prints the reason and the next step, and ends with exit code 3."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from workshop.lab.paths import LabPaths
from workshop.lab.report import read


def start(lab: LabPaths, before: Callable[[], None] | None = None) -> tuple[int, str]:
    """The exit code and the report's message of a supervisor that cannot start."""
    env = {**os.environ, "WORKSHOP_STATE": str(lab.root), "WORKSHOP_PORTS": "free", "WORKSHOP_PROGRAMS": "none"}
    done = subprocess.run(
        [sys.executable, "-m", "workshop.lab"],
        env=env, capture_output=True, text=True, timeout=60, check=False, preexec_fn=before,
    )  # fmt: skip
    assert "Traceback" not in done.stdout
    report = read(lab)
    return done.returncode, report.message if report else done.stderr


def test_a_damaged_store_is_named(tmp_path: Path) -> None:
    lab = LabPaths(tmp_path / "lab")
    lab.make()
    lab.store.write_bytes(b"no database " * 1000)
    code, message = start(lab)
    assert code == 3
    assert message.startswith(f"the lab's store {lab.store} cannot be used: file is not a database\n  df -h shows")


def test_a_disk_without_room_is_named(tmp_path: Path) -> None:
    lab = LabPaths(tmp_path / "lab")
    lab.make()
    code, message = start(lab, lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)))
    assert code == 3, message
    assert "df -h shows" in message
