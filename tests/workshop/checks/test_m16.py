"""The reset of module 16 takes back what the run has committed, and nothing of the participant."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.workshop.checks.test_m01 import Objects
from workshop.checks import CheckContext
from workshop.checks.m16 import reset
from workshop.participants.names import Participant


class Editable(Objects):
    def delete(self, kind: str, namespace: str, name: str, *, missing_ok: bool = False) -> None:
        del self.held[kind, namespace, name]


def git(folder: Path, *words: str) -> str:
    who = ["-c", "user.name=user1", "-c", "user.email=user1@example.org"]
    return subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone whose main has two commits, of which the server has both."""
    folder = tmp_path / "clone"
    git(tmp_path, "init", "--quiet", "--bare", "server.git")
    git(tmp_path, "init", "--quiet", "--initial-branch", "main", "clone")
    git(folder, "remote", "add", "origin", str(tmp_path / "server.git"))
    for message in ("first", "Correct a month"):
        git(folder, "commit", "--quiet", "--allow-empty", "--message", message)
    git(folder, "push", "--quiet", "origin", "main")
    return folder


def test_a_participants_commit_that_a_run_has_trained_on_stays(clone: Path) -> None:
    cluster, theirs = Editable(), git(clone, "rev-parse", "HEAD")
    status = {
        "conditions": [{"type": "Succeeded", "status": "True"}],
        "results": [{"name": "commit", "value": theirs}],
    }
    cluster.put("PipelineRun", "user1-dev", "retrain-1", spec={"pipelineRef": {"name": "retrain"}}, status=status)
    said = reset(CheckContext(cluster, Participant("user1").variables({}), clone), cluster)
    assert said == ["deleted the run retrain-1"]
    assert git(clone, "rev-parse", "main") == git(clone, "ls-remote", "origin", "main").split()[0] == theirs
