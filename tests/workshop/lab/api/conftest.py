"""One API server for the session, and a namespace for each test."""

from __future__ import annotations

import itertools
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.workshop.lab.serving import Lab
from workshop.cluster.kubectl import kubectl as program

_numbers = itertools.count()


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A running API server."""
    running = Lab(tmp_path_factory.mktemp("lab"))
    yield running
    running.stop()


@pytest.fixture
def namespace(lab: Lab) -> str:
    """A namespace that no other test uses."""
    name = f"test-{next(_numbers)}"
    assert lab.ask("POST", "/api/v1/namespaces", {"metadata": {"name": name}})[0] == 201
    return name


Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def kubectl(lab: Lab, namespace: str, tmp_path: Path) -> Run:
    """Run kubectl against the server."""

    def run(*words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        env = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "KUBECONFIG": str(lab.state.kubeconfig),
            "KUBECACHEDIR": str(tmp_path / "cache"),
        }
        return subprocess.run(
            [program(), "-n", namespace, *words],
            input=stdin,
            env=env,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run
