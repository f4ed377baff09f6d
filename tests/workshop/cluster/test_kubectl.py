"""One kubectl for everything: the environment's, then the one on PATH."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

from workshop.cluster.kubectl import kubectl

KIT = Path(__file__).resolve().parents[3]


def found_by(python: Path, path: str) -> subprocess.CompletedProcess[str]:
    code = "from workshop.cluster.kubectl import kubectl; print(kubectl())"
    env = {"PATH": path, "PYTHONPATH": str(KIT), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run([python, "-c", code], env=env, capture_output=True, text=True, timeout=60, check=False)


def test_the_environments_own_kubectl_comes_before_path(tmp_path: Path) -> None:
    (tmp_path / "kubectl").symlink_to("/bin/true")
    assert found_by(Path(sys.executable), str(tmp_path)).stdout == f"{kubectl()}\n"
    assert kubectl() == str(Path(sys.prefix) / "bin" / "kubectl")


def test_path_serves_an_environment_without_kubectl(tmp_path: Path) -> None:
    venv.create(tmp_path / "bare", symlinks=True)
    python = tmp_path / "bare" / "bin" / "python"
    (tmp_path / "kubectl").symlink_to("/bin/true")
    assert found_by(python, str(tmp_path)).stdout == f"{tmp_path / 'kubectl'}\n"
    missing = found_by(python, "/nowhere").stderr
    looked = tmp_path / "bare" / "bin" / "kubectl"
    assert f"there is no kubectl: looked for {looked} and on PATH\n  make setup installs it" in missing
