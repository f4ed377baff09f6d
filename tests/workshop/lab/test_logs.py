"""Logs do not grow without end."""

from __future__ import annotations

from pathlib import Path

import pytest

from workshop.lab import logs
from workshop.lab.paths import LabPaths


def test_every_log_is_rotated_while_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "MAX_BYTES", 1000)
    lab = LabPaths(tmp_path / "lab")
    lab.make()
    written = [
        lab.log,
        lab.run / "launcher.log",
        lab.components / "mlflow" / "mlflow.log",
        lab.container_log("user1-dev", "pod", "step"),
    ]
    for path in written:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab", buffering=0) as file:
            file.write(b"x" * 2000)
            logs.rotate(lab)
            assert path.stat().st_size == 0
            file.write(b"after")
        assert path.read_bytes() == b"after"
        assert path.with_name(f"{path.name}.1").read_bytes() == b"x" * 2000
        logs.rotate(lab)
        assert path.read_bytes() == b"after"
