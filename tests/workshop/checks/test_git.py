"""Going back keeps everything: commits under another name, changes in the stash; with the real git."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.workshop.checks.test_m01 import Objects
from workshop.checks import CheckContext
from workshop.checks.git import contains, drop, git, keep_and_go, root, shown


@pytest.fixture
def clone(tmp_path: Path) -> CheckContext:
    """A clone with a server, one commit on main and two on mine."""
    server, folder = tmp_path / "server.git", tmp_path / "clone"
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(server)], check=True)
    subprocess.run(["git", "clone", "-q", str(server), str(folder)], check=True, capture_output=True)
    context = CheckContext(Objects(), {}, folder, dict(os.environ))
    for branch, names in (("main", "a"), ("mine", "bc")):
        git(context, "switch", "-q", "-C", branch)
        for name in names:
            (folder / name).write_text(name)
            git(context, "add", "--all")
            git(context, "commit", "-q", "-m", name)
        git(context, "push", "-q", "origin", branch)
    return context


def test_a_branch_goes_back_and_its_commits_and_changes_are_kept(clone: CheckContext) -> None:
    made = git(clone, "rev-parse", "mine")
    (clone.clone / "b").write_text("changed")
    (clone.clone / "new").write_text("new")
    said = keep_and_go(clone, "mine", "mine~1")
    assert [line.split()[0] for line in said] == ["put", "brought"]
    assert git(clone, "status", "--porcelain") == ""
    assert git(clone, "rev-parse", "origin/mine") == git(clone, "rev-parse", "mine"), "the next push would be refused"
    assert not (clone.clone / "c").exists() and (clone.clone / "b").read_text() == "b"
    assert contains(clone, git(clone, "branch", "--list", "kept/*", "--format=%(refname:short)"), made)
    assert "new" in git(clone, "stash", "show", "--include-untracked", "--name-only")


def test_going_back_twice_in_a_second_keeps_both(clone: CheckContext) -> None:
    keep_and_go(clone, "mine", "mine~1")
    keep_and_go(clone, "mine", "main")
    assert len(git(clone, "branch", "--list", "kept/*").splitlines()) == 2


def test_a_branch_that_is_there_already_is_left_alone(clone: CheckContext) -> None:
    assert keep_and_go(clone, "mine", "mine") == []
    assert keep_and_go(clone, "nowhere", "main") == []
    assert git(clone, "branch", "--list", "kept/*") == ""


def test_a_dropped_branch_is_gone_here_and_on_the_server_and_still_kept(clone: CheckContext) -> None:
    made = git(clone, "rev-parse", "mine")
    drop(clone, "mine")
    assert git(clone, "branch", "--show-current") == "main"
    assert git(clone, "branch", "--list", "mine") == "" == git(clone, "ls-remote", "--heads", "origin", "mine")
    assert contains(clone, git(clone, "branch", "--list", "kept/*", "--format=%(refname:short)"), made)


def test_a_commit_is_read_without_being_checked_out(clone: CheckContext) -> None:
    assert shown(clone, "mine", "c") == "c"
    assert shown(clone, "main", "c") == ""
    assert root(clone) == git(clone, "rev-parse", "main")
    assert not contains(clone, "main", "")
