"""Fixtures of all tests: a temporary home folder, no network but loopback, no variables of the user's environment."""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from tests import podman
from workshop.isolation import PROXIES, isolate
from workshop.programs import cache_folder

KIT = Path(__file__).resolve().parents[1]

# The time of one example depends on the load of the machine.
hypothesis.settings.register_profile("kit", deadline=None)
hypothesis.settings.load_profile("kit")


LONGEST = (
    "tests/e2e/test_modules.py",
    "tests/e2e/",
    "tests/s2i/container/",
    "model/tests/",
    "tests/s2i/parity/",
    "tests/tekton/fromdvc/",
    "tests/seldon/client/test_client_page.py",
    "tests/grafana/",
    "tests/workshop/lab/controllers/test_seldon.py",
)
"""Tests that one process runs one after another. They start first, so that none of them is alone at the end."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--thorough`: repeat what takes long, before a release: more seeds, and every conformance folder in podman."""
    parser.addoption("--thorough", action="store_true", help="more seeds, and every conformance folder in podman")


@pytest.fixture(scope="session")
def podman_images(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """podman on a storage of the tests, with images that were made here."""
    with podman.storage(tmp_path_factory.mktemp("podman")):
        yield


@pytest.hookimpl(tryfirst=True)  # Before xdist reads the groups.
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort the tests by LONGEST, and give those of a use case to one process: its data and models are made once."""
    for item in items:
        if item.nodeid.startswith("model/"):
            item.add_marker(pytest.mark.xdist_group("model"))
        elif item.nodeid.startswith("workshop/usecases/"):
            item.add_marker(pytest.mark.xdist_group("usecases"))
    items.sort(key=_place)


def _place(item: pytest.Item) -> int:
    return next((place for place, part in enumerate(LONGEST) if item.nodeid.startswith(part)), len(LONGEST))


def pytest_collection_finish(session: pytest.Session) -> None:
    """xdist appends a test's group to its name. Fail if it has not: the groups would be split."""
    if getattr(session.config.option, "loadgroup", False):
        for item in session.items:
            if item.get_closest_marker("xdist_group") and "@" not in item.nodeid:
                raise pytest.UsageError(f"xdist does not see the group of {item.nodeid}; look at pytest's version")


@pytest.fixture(scope="session", autouse=True)
def home_is_temporary(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """No test may write to the user's home folder."""
    home = tmp_path_factory.mktemp("home")
    kept = dict(os.environ)
    # Prometheus and promtool are where `make setup` has put them; the tests only read there.
    os.environ["WORKSHOP_CACHE"] = str(cache_folder())
    os.environ["HOME"] = str(home)
    os.environ.setdefault("UV_CACHE_DIR", str(KIT / ".cache" / "uv"))
    isolate()
    for name in (
        *PROXIES,
        "KUBECONFIG",
        "MLFLOW_TRACKING_URI",
        "MLFLOW_TRACKING_TOKEN",
        "PROMETHEUS_TOKEN",
        "WORKSHOP_STATE",
        "XDG_CONFIG_HOME",
        "XDG_CACHE_HOME",
        "XDG_DATA_HOME",
    ):
        os.environ.pop(name, None)
    os.environ |= {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DVC_NO_ANALYTICS": "true",
        "DO_NOT_TRACK": "true",
        "ORT_DISABLE_TELEMETRY": "1",
        "GIT_CONFIG_GLOBAL": str(home / ".gitconfig"),
        "GIT_AUTHOR_NAME": "Test",
        "GIT_AUTHOR_EMAIL": "t@example.com",
        "GIT_COMMITTER_NAME": "Test",
        "GIT_COMMITTER_EMAIL": "t@example.com",
        "UV_OFFLINE": "1",
    }
    yield home
    os.environ.clear()
    os.environ.update(kept)


@pytest.fixture(scope="session", autouse=True)
def network_is_loopback() -> Iterator[None]:
    """No test may reach beyond this machine, except those that `make test-cluster` runs."""
    if os.environ.get("WORKSHOP_TEST_CLUSTER"):
        yield
        return
    real = socket.socket.connect

    def connect(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            host = address[0]
            try:
                local = ipaddress.ip_address(host).is_loopback
            except ValueError:
                local = host == "localhost"
            if not local:
                raise AssertionError(f"a test tried to reach {address}; tests stay on loopback")
        real(self, address)

    patch = pytest.MonkeyPatch()
    patch.setattr(socket.socket, "connect", connect)
    yield
    patch.undo()
