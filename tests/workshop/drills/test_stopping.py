"""What `--stop` of a drill takes back when something does not answer: the rest is still taken back later."""

from __future__ import annotations

import base64
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest

from tests.workshop.lab.api.conftest import lab, namespace  # noqa: F401
from tests.workshop.lab.serving import Lab
from workshop.cluster.client import Client
from workshop.cluster.prometheus import Prometheus
from workshop.drills import disarmed_gate, expired_secret, slow_model
from workshop.drills.drill import Place
from workshop.errors import ManifestError, SetupError
from workshop.participants.names import CREDENTIALS
from workshop.participants.target import CommandTarget


@dataclass(frozen=True)
class Room:
    """The part of a target that drills of a commit need."""

    folder: Path
    kubeconfig: Path
    dev: str

    def client(self) -> Client:
        return Client.load(self.kubeconfig)

    def namespace(self, _: str = "dev") -> str:
        return self.dev

    def clone(self) -> Path:
        return self.folder


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone with one commit, whose server has the branch of the drill of the slow model."""
    server, folder = tmp_path / "server.git", tmp_path / "clone"
    who = ["-c", "user.name=user1", "-c", "user.email=user1@example.org"]
    for words in (
        ["init", "--quiet", "--bare", str(server)],
        ["init", "--quiet", "--initial-branch", "main", str(folder)],
        ["-C", str(folder), "remote", "add", "origin", str(server)],
        ["-C", str(folder), *who, "commit", "--quiet", "--allow-empty", "--message", "first"],
        ["-C", str(folder), "push", "--quiet", "origin", f"main:refs/heads/{slow_model.DRILL.branch}"],
    ):
        subprocess.run(["git", *words], check=True)
    return folder


def place(lab: Lab, clone: Path, dev: str) -> Place:  # noqa: F811
    target = cast(CommandTarget, Room(clone, lab.state.kubeconfig, dev))
    return Place(target, {}, dict(os.environ), Prometheus("http://127.0.0.1:9"))


def test_the_token_comes_back_although_git_does_not_answer(lab: Lab, clone: Path, namespace: str) -> None:  # noqa: F811
    path = f"/api/v1/namespaces/{namespace}/secrets"
    for name, value in ((CREDENTIALS, "expired"), (expired_secret.KEPT, "valid")):
        data: dict[str, Any] = {expired_secret.KEY: base64.b64encode(value.encode()).decode()}
        assert lab.ask("POST", path, {"metadata": {"name": name}, "data": data})[0] == 201
    subprocess.run(["git", "-C", str(clone), "remote", "remove", "origin"], check=True)
    with pytest.raises(SetupError, match="git ls-remote failed"):
        expired_secret.DRILL.stop(place(lab, clone, namespace), lambda _: None)
    known = lab.ask("GET", f"{path}/{CREDENTIALS}")[1]["data"][expired_secret.KEY]
    assert base64.b64decode(known) == b"valid"


def test_the_branch_stays_until_staging_is_as_before(lab: Lab, clone: Path) -> None:  # noqa: F811
    """Without the branch, a second --stop would say that nothing was left of the drill."""
    with pytest.raises(ManifestError):
        slow_model.DRILL.stop(place(lab, clone, "there-is-no-such-namespace"), lambda _: None)
    asked = ["git", "-C", str(clone), "ls-remote", "--heads", "origin", slow_model.DRILL.branch]
    assert subprocess.run(asked, check=True, capture_output=True).stdout


def test_a_drill_of_the_gate_needs_a_production_that_verifies(lab: Lab, clone: Path, namespace: str) -> None:  # noqa: F811
    with pytest.raises(SetupError, match="has no CHAINS_PUBLIC_KEY, so production verifies nothing"):
        disarmed_gate.DRILL.run(place(lab, clone, namespace), lambda _: None, 1)
