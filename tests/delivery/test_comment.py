"""The comment on a merge request: what it has, and that the lab's Git server keeps one of them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from delivery.__main__ import main

from tests.kit import serving
from workshop.lab.forge.requests import every, opened
from workshop.lab.git.server import GitServer, Owner
from workshop.lab.store import Store
from workshop.participants.names import LAB_PARTICIPANT

KIT = Path(__file__).resolve().parents[2]
HERE = {"winner": "boosted", "boosted": {"rmse": 1.2, "r2": 0.9}}
MAIN = {"winner": "boosted", "boosted": {"rmse": 1.5, "r2": 0.9}, "linear": {"rmse": 2.0}}
CHECK = {"name": "rmse", "measured": "1.2", "allowed": "at most 1", "passed": False, "remedy": "more trees"}
GATE = {"mode": "enabled", "passed": False, "checks": [CHECK, {**CHECK, "name": "r2", "passed": True}]}


def project(folder: Path, metrics: object, gate: object = None) -> Path:
    (folder / "reports").mkdir(parents=True)
    shutil.copy(KIT / "workshop/usecases/fuel/usecase.yaml", folder)
    (folder / "reports/metrics.json").write_text(json.dumps(metrics))
    if gate is not None:
        (folder / "reports/gate.json").write_text(json.dumps(gate))
    return folder


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = project(tmp_path / "here", HERE, GATE)
    monkeypatch.setenv("USE_CASE", str(folder))
    return folder


def comment(*words: str) -> int:
    return main(["comment", *words])


def test_the_table_has_both_branches_and_begins_with_the_measure(
    here: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before, out = project(tmp_path / "main", MAIN), tmp_path / "comment.md"
    assert comment("--against", str(before), "--out", str(out)) == 0
    text = out.read_text()
    assert capsys.readouterr().out == text
    assert text.startswith("<!-- delivery comment: fuel-consumption -->\n### fuel-consumption: the gate is closed\n")
    table = [line for line in text.splitlines() if line.startswith("| **") or line.startswith("| boosted")]
    assert table == [
        "| **boosted.rmse** | 1.2 | 1.5 | -0.3 |",
        "| **linear.rmse** |  | 2 |  |",
        "| boosted.r2 | 0.9 | 0.9 | +0 |",
    ]
    assert "| rmse | 1.2 | at most 1 | **failed**: more trees |" in text
    assert "| r2 | 1.2 | at most 1 | passed |" in text


def test_the_plot_has_what_both_branches_have(here: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert comment("--against", str(project(tmp_path / "main", MAIN))) == 0
    text = capsys.readouterr().out
    assert 'x-axis ["boosted.r2", "boosted.rmse"]' in text
    assert "bar [1.000, 0.800]" in text and "line [1.000, 1.000]" in text


@pytest.mark.parametrize(
    ("gate", "verdict"),
    [
        (None, "the gate has not run"),
        ({"mode": "disabled", "passed": True, "checks": []}, "the gate is disabled"),
        ({"mode": "enabled", "passed": True, "checks": []}, "the gate is open"),
    ],
)
def test_without_a_target_branch_there_is_no_plot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], gate: Any, verdict: str
) -> None:
    monkeypatch.setenv("USE_CASE", str(project(tmp_path / "new", HERE, gate)))
    assert comment() == 0
    text = capsys.readouterr().out
    assert f"fuel-consumption: {verdict}\n" in text
    assert "mermaid" not in text and "| **boosted.rmse** | 1.2 |  |  |" in text


def test_a_missing_report_is_an_error_with_the_next_command(
    here: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert comment("--against", str(tmp_path / "none")) == 1
    assert "reports/metrics.json: FileNotFoundError" in capsys.readouterr().err


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A repository of the lab's Git server with one merge request."""
    root = tmp_path / "git"
    shutil.copytree(_bare(tmp_path), root / "mlops-workshop.git")
    server = GitServer(Store(), root, "http://127.0.0.1:1", [Owner(LAB_PARTICIPANT, root, "token")], {"PATH": _path()})
    sha = _head(root / "mlops-workshop.git")
    opened(root / "mlops-workshop.git", ("topic", "main"), (sha, sha), "user1", "More trees", "")
    with serving(server.app, interface="asgi3", lifespan="off") as url:
        for name, value in (("URL", f"{url}/mlops-workshop.git"), ("USERNAME", "user1"), ("PASSWORD", "token")):
            monkeypatch.setenv(f"GIT_{name}", value)
        yield root / "mlops-workshop.git"


def test_a_later_comment_replaces_the_earlier_one(here: Path, repository: Path) -> None:
    assert comment("--post", "1") == 0
    (here / "reports/gate.json").unlink()
    assert comment("--post", "1") == 0
    (request,) = every(repository)
    (one,) = request.comments
    assert "the gate has not run" in one.body and one.user == "user1"


def test_github_takes_the_same_by_its_own_variables(
    here: Path, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = os.environ["GIT_URL"].removesuffix("/mlops-workshop.git")
    monkeypatch.delenv("GIT_PASSWORD")
    for name, value in (("API_URL", f"{server}/api/v1"), ("REPOSITORY", "user1/mlops-workshop"), ("TOKEN", "token")):
        monkeypatch.setenv(f"GITHUB_{name}", value)
    assert comment("--post", "1") == 0
    assert comment("--post", "1") == 0
    (request,) = every(repository)
    assert len(request.comments) == 1


def test_a_server_that_refuses_is_an_error(
    here: Path, repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert comment("--post", "7") == 1
    assert "404: there is no pull request 7" in capsys.readouterr().err
    monkeypatch.setenv("GIT_PASSWORD", "wrong")
    assert comment("--post", "1") == 1
    assert "wrong" not in capsys.readouterr().err
    monkeypatch.setenv("GIT_URL", "git@example.com:a/b.git")
    assert comment("--post", "1") == 1
    assert "next: export GIT_URL" in capsys.readouterr().err


def _git(folder: Path, *words: str) -> str:
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
    done = subprocess.run(["git", *identity, *words], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _bare(folder: Path) -> Path:
    work = folder / "work"
    work.mkdir()
    _git(work, "init", "-q", "-b", "main")
    _git(work, "commit", "-q", "--allow-empty", "-m", "Start")
    _git(work, "clone", "-q", "--bare", ".", str(folder / "bare.git"))
    return folder / "bare.git"


def _head(bare: Path) -> str:
    return _git(bare, "rev-parse", "HEAD")


def _path() -> str:
    return os.environ["PATH"]
