"""Tests against any API server, opt-in: `make test-cluster KUBECONFIG=FILE` as cluster-admin.

They make a namespace and three participants with random names, and remove them. What the server lacks is skipped by
name.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from workshop.cli import main
from workshop.cluster.client import Client
from workshop.cohort.objects import CohortObjects
from workshop.errors import SetupError
from workshop.usecase import KIT

NAMED = os.environ.get("WORKSHOP_TEST_CLUSTER", "")


collect_ignore_glob = [] if NAMED else ["test_*.py"]
"""Without a cluster these tests do not exist, so that `make test` has nothing to skip."""


@pytest.fixture(scope="session")
def kubeconfig() -> Path:
    """The cluster that the tests were started for."""
    return Path(NAMED)


@pytest.fixture(scope="session")
def client(kubeconfig: Path) -> Client:
    """A client of the cluster."""
    return Client.load(kubeconfig)


@pytest.fixture(scope="session")
def scratch(client: Client) -> Iterator[str]:
    """A namespace of its own."""
    name = f"mlops-test-{secrets.token_hex(4)}"
    client.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    yield name
    client.delete("namespace", None, name)


class Room:
    """Three participants with random names in a cohort of its own."""

    def __init__(self, kubeconfig: Path, folder: Path) -> None:
        tail = secrets.token_hex(3)
        self.cohort = f"test-{tail}"
        self.names = [f"t{tail}-{number}" for number in (1, 2, 3)]
        self._kubeconfig = kubeconfig
        self._folder = folder

    def provision(self, names: str) -> int:
        """Provision the participants of a file; the exit code."""
        common = ["--kubeconfig", str(self._kubeconfig), "--cohort", self.cohort, "-o", "json"]
        return main(["cohort", "provision", *common, "--sheet", str(self._folder / "sheet"), "--from-file", names])

    def run(self, capsys: pytest.CaptureFixture[str], action: str, *words: str) -> tuple[int, list[dict[str, Any]]]:
        """Run `workshop cohort`: the exit code and the events."""
        more = ["--sheet", str(self._folder / "sheet")] if action == "provision" else []
        common = ["--kubeconfig", str(self._kubeconfig), "--cohort", self.cohort, "-o", "json"]
        capsys.readouterr()
        code = main(["cohort", action, *common, *more, *words])
        return code, [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.fixture(scope="session")
def room(kubeconfig: Path, client: Client, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    """A room; whatever a test leaves is removed."""
    made = Room(kubeconfig, tmp_path_factory.mktemp("room"))
    yield made
    main(["cohort", "teardown", "--yes", "--kubeconfig", str(kubeconfig), "--cohort", made.cohort])


@pytest.fixture(scope="session")
def names(room: Room, client: Client, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The file with the participants' names. Skips when the server lacks kinds that they need."""
    try:
        CohortObjects.load(KIT, room.cohort, client.resources)
    except SetupError as e:
        pytest.skip(str(e).splitlines()[0])
    path = tmp_path_factory.mktemp("names") / "names.txt"
    path.write_text("\n".join(room.names))
    return str(path)


def attempt(client: Client, user: str, groups: tuple[str, ...], method: str, path: str, body: Any = None) -> int:
    """The status code of a request that is sent as somebody else; 0 for success."""
    headers = [("Impersonate-User", user), *(("Impersonate-Group", group) for group in groups)]
    headers.append(("Content-Type", "application/json"))
    if client.config.token:
        headers.append(("Authorization", f"Bearer {client.config.token}"))
    connection = client.http.connect()
    try:
        connection.putrequest(method, path)
        for name, value in headers:
            connection.putheader(name, value)
        raw = json.dumps(body).encode() if body is not None else b""
        connection.putheader("Content-Length", str(len(raw)))
        connection.endheaders(raw)
        status = connection.getresponse().status
    finally:
        connection.close()
    return status if status >= 400 else 0
