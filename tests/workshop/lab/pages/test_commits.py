"""The page Commits: statuses beside the commits, and merge requests with their comments."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from delivery import usecase
from delivery.commands.comment import rendered

from tests.workshop.lab.pages.fixtures import browser, lab_of
from workshop.lab.forge.requests import commented, opened
from workshop.lab.forge.statuses import Status, report
from workshop.lab.kinds import built_in
from workshop.lab.lab import Lab
from workshop.lab.participant import bare_folder

KIT = Path(__file__).resolve().parents[4]


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return lab_of(tmp_path / "state")


@pytest.fixture
def shas(lab: Lab, tmp_path: Path) -> list[str]:
    """Two commits on main, the newest first, and a branch."""
    work, bare = tmp_path / "work", bare_folder(lab.paths)
    work.mkdir()
    bare.parent.mkdir(parents=True, exist_ok=True)
    env = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull}

    def git(*words: str) -> str:
        identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
        return subprocess.run(
            ["git", *identity, *words], cwd=work, env=env, capture_output=True, text=True, check=True
        ).stdout

    git("init", "-q", "-b", "main")
    for title in ("Start", "Use <b>more</b> trees"):
        git("commit", "-q", "--allow-empty", "-m", title)
    git("branch", "topic")
    git("clone", "-q", "--bare", str(work), str(bare))
    return git("log", "--format=%H").split()


def test_each_commit_has_its_statuses(lab: Lab, shas: list[str]) -> None:
    bare = bare_folder(lab.paths)
    report(bare, shas[0], Status("CI / check", "pending", "", "http://127.0.0.1:1/runs/a/b"))
    report(bare, shas[0], Status("CI / check", "failure", "", "http://127.0.0.1:1/runs/a/b"))
    report(bare, shas[1], Status("CI / broken", "failure", "no task <hello>"))
    page = browser(lab).get("/commits").text
    assert page.index(shas[0][:12]) < page.index(shas[1][:12])
    assert '<span class="state bad">failure</span> <a href="http://127.0.0.1:1/runs/a/b">CI / check</a>' in page
    assert "CI / broken: no task &lt;hello&gt;" in page
    assert "Use &lt;b&gt;more&lt;/b&gt; trees" in page
    assert "pending" not in page


def test_a_branch_can_be_chosen(lab: Lab, shas: list[str]) -> None:
    assert "<option selected>topic</option>" in browser(lab).get("/commits?branch=topic").text
    assert browser(lab).get("/commits?branch=--all").status_code == 404


def test_a_merge_request_has_its_checks_and_comments(lab: Lab, shas: list[str]) -> None:
    bare = bare_folder(lab.paths)
    opened(bare, ("topic", "main"), (shas[0], shas[1]), "user1", "More trees", "Because *why*")
    commented(
        bare, 1, "ci", "| metric | main |\n|---|---|\n| rmse | 1.2 |\n\n<script>alert(1)</script>\n\n<!-- marker -->"
    )
    report(bare, shas[0], Status("CI / check", "success", "", "http://127.0.0.1:1/runs/a/b"))
    assert '<a href="/commits/merge-requests/1">1</a>' in browser(lab).get("/commits").text
    page = browser(lab).get("/commits/merge-requests/1").text
    assert "Because <em>why</em>" in page and "<td>rmse</td>" in page
    assert "<script>alert" not in page and "&lt;script&gt;alert" in page
    assert "marker" not in page
    assert '<span class="state ok">success</span>' in page
    assert browser(lab).get("/commits/merge-requests/2").status_code == 404


def test_the_chart_of_a_comment_is_drawn_and_other_mermaid_is_code(lab: Lab, shas: list[str]) -> None:
    bare = bare_folder(lab.paths)
    opened(bare, ("topic", "main"), (shas[0], shas[1]), "user1", "More trees", "")
    here, before = {"auc": 0.75, "<i>": 2.0}, {"auc": 0.60, "<i>": 1.0}
    comment = rendered(usecase.read(KIT / "model"), here, before, None)
    commented(bare, 1, "ci", comment + "\n\n```mermaid\nxychart-beta\n  bar [2]\n```\n\n```mermaid\ngraph LR\n```")
    page = browser(lab).get("/commits/merge-requests/1").text
    assert '<svg viewBox="0 0 ' in page and "<title>auc: 1.000, 0.800</title>" in page and "&lt;i&gt;: 1.000" in page
    assert page.count("<svg viewBox") == 1 and "graph LR" in page and "bar [2]" in page
    assert "x-axis" not in page


def test_without_a_repository_the_page_says_so(lab: Lab) -> None:
    assert "The repository cannot be read" in browser(lab).get("/commits").text


def test_the_page_of_runs_has_a_link_once_there_is_a_repository_object(lab: Lab) -> None:
    assert "/commits" not in browser(lab).get("/runs").text
    obj = {"metadata": {"name": "w", "namespace": "user1-dev"}, "spec": {"url": "http://127.0.0.1:1/w"}}
    lab.store.create(built_in("Namespace"), {"metadata": {"name": "user1-dev"}})
    lab.store.create(built_in("Repository"), obj)
    assert '<a href="/commits">' in browser(lab).get("/runs").text
