"""The lab's oc as a program, against a running API server."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.kubectl import write_oc
from tests.workshop.lab.api.conftest import kubectl, lab, namespace  # noqa: F401
from tests.workshop.lab.serving import Lab

KIT = Path(__file__).resolve().parents[3]
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def kubeconfig(lab: Lab, tmp_path: Path) -> Path:  # noqa: F811
    """A kubeconfig of the test's own, with the project user1-dev."""
    return Path(shutil.copy(lab.state.kubeconfig, tmp_path / "config"))


@pytest.fixture
def env(kubeconfig: Path, tmp_path: Path) -> dict[str, str]:
    """The environment of a terminal whose only oc is the lab's."""
    return {
        "PATH": f"{write_oc(tmp_path / 'bin').parent}:/usr/bin:/bin",
        "HOME": str(tmp_path),
        "KUBECONFIG": str(kubeconfig),
        "PYTHONPATH": str(KIT),
        "PYTHONDONTWRITEBYTECODE": os.environ.get("PYTHONDONTWRITEBYTECODE", ""),
    }


@pytest.fixture
def oc(env: dict[str, str]) -> Run:
    """Run the lab's oc."""

    def run(*words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        program = f"{env['PATH'].partition(':')[0]}/oc"
        return subprocess.run(
            [program, *words], input=stdin, env=env, capture_output=True, text=True, timeout=60, check=False
        )

    return run
