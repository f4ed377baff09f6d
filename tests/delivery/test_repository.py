"""What a run gives back: its commits and its data, with real Git and real DVC."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from delivery import repository
from delivery.__main__ import main
from delivery.errors import DeliveryError

USECASE = """
package: moving
deployment: it
experiment: it
image: it
overlays: .
task: regression
measure: rmse
target: it
"""
MODULE = """
from pathlib import Path
from delivery.errors import DeliveryError

def advance(create):
    file = Path("months.txt")
    if file.read_text() == "12":
        raise DeliveryError("the data ends with December")
    if not create and not Path("next.csv.dvc").exists():
        return ""
    file.write_text("8")
    return "Train on 1-7, test on 8"
"""
STAGES = """
stages:
  train:
    cmd: cp months.txt model.txt
    deps: [months.txt]
    outs: [model.txt]
"""


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def dvc(folder: Path, *words: str) -> None:
    subprocess.run([sys.executable, "-m", "dvc", *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone with one commit, in which a Task works; its remote and its DVC remote are folders."""
    for name in ("home", "results"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "home" / ".gitconfig"))
    monkeypatch.setenv("DVC_REMOTE_URL", str(tmp_path / "dvc ü"))
    git(tmp_path, "init", "-q", "--bare", "-b", "main", "bare.git")
    git(tmp_path, "clone", "-q", "bare.git", "clone")
    folder = tmp_path / "clone"
    dvc(folder, "init", "-q")
    for name, text in (
        ("usecase.yaml", USECASE),
        ("moving/usecase.py", MODULE),
        ("dvc.yaml", STAGES),
        ("months.txt", "7"),
        (".gitignore", "/model.txt\n__pycache__\n"),
    ):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    git(folder, "add", "-A")
    git(folder, "-c", "user.name=a", "-c", "user.email=a@x.invalid", "commit", "-q", "-m", "Begin")
    git(folder, "push", "-q", "origin", "HEAD:refs/heads/main")
    git(folder, "checkout", "-q", "--detach")
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, "moving", raising=False)
    monkeypatch.delitem(sys.modules, "moving.usecase", raising=False)
    return folder


@pytest.fixture
def results(clone: Path, tmp_path: Path) -> Callable[..., dict[str, str]]:
    """Runs a command and returns the results of its Task."""

    def run(*words: str) -> dict[str, str]:
        assert main([*words, "--results", str(tmp_path / "results")]) == 0
        return {file.name: file.read_text() for file in (tmp_path / "results").iterdir()}

    return run


def on(clone: Path, branch: str) -> str:
    return git(clone, "ls-remote", "origin", f"refs/heads/{branch}").partition("\t")[0]


def test_the_next_period_is_a_commit_of_the_pipeline_that_is_not_pushed(
    clone: Path, results: Callable[..., dict[str, str]]
) -> None:
    before = on(clone, "main")
    made = results("advance", "--next", "create", "--run", "retrain-x")
    assert git(clone, "rev-parse", "HEAD") == made["commit"] != before == on(clone, "main")
    subject, _, rest = git(clone, "log", "-1", "--format=%an%n%B").partition("\n")
    assert subject == "MLOps pipeline"
    assert rest.startswith("Train on 1-7, test on 8\n") and "retrain-x" in rest and "[skip ci]" in rest
    assert git(clone, "show", "--stat", "--format=", "HEAD").startswith("months.txt")


def test_periods_that_are_not_tracked_stay_out_where_only_tracked_ones_count(
    clone: Path, results: Callable[..., dict[str, str]]
) -> None:
    before = git(clone, "rev-parse", "HEAD")
    assert results("advance", "--next", "tracked", "--run", "retrain-x") == {"commit": before}
    (clone / "next.csv.dvc").write_text("")
    assert results("advance", "--next", "tracked", "--run", "retrain-x") != {"commit": before}


def test_data_without_periods_grows_by_commits_alone(
    clone: Path, results: Callable[..., dict[str, str]], capfd: pytest.CaptureFixture[str]
) -> None:
    module = next(clone.rglob("usecase.py"))
    module.write_text("")
    head = git(clone, "rev-parse", "HEAD")
    assert results("advance", "--next", "tracked", "--run", "retrain-x") == {"commit": head}
    assert main(["advance", "--next", "create", "--run", "retrain-x"]) == 1
    message = capfd.readouterr().err
    assert "next-period: got create, allowed: tracked, because the data of it has no periods" in message
    assert "commit more rows (dvc add, dvc push), then retrain with next-period=tracked" in message


def test_after_the_last_period_the_run_ends_with_the_use_cases_words(
    clone: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (clone / "months.txt").write_text("12")
    assert main(["advance", "--run", "x"]) == 1
    assert capfd.readouterr().err == "error: the data ends with December\n"


@pytest.fixture
def trained(clone: Path, results: Callable[..., dict[str, str]]) -> Path:
    """The clone after training: the model is there and in no commit."""
    results("advance", "--run", "retrain-x")
    (clone / "model.txt").write_text("8")
    return clone


def test_a_clone_pulls_the_model_that_a_run_has_trained(
    trained: Path, tmp_path: Path, results: Callable[..., dict[str, str]]
) -> None:
    made = results("publish", "--run", "retrain-x")
    assert made == {"branch": "main", "commit": on(trained, "main")}
    git(tmp_path, "clone", "-q", "bare.git", "other")
    other = tmp_path / "other"
    assert git(other, "log", "-1", "--format=%B").startswith("Record the model of retrain-x")
    (other / ".dvc" / "config.local").write_bytes((trained / ".dvc" / "config.local").read_bytes())
    dvc(other, "pull")
    assert (other / "model.txt").read_text() == "8"


def test_what_others_have_pushed_meanwhile_stays_and_the_log_has_the_command_that_merges(
    trained: Path, tmp_path: Path, results: Callable[..., dict[str, str]], capfd: pytest.CaptureFixture[str]
) -> None:
    git(tmp_path, "clone", "-q", "bare.git", "other")
    other = tmp_path / "other"
    (other / "theirs").write_text("x")
    git(other, "add", "-A")
    git(other, "-c", "user.name=a", "-c", "user.email=a@x.invalid", "commit", "-q", "-m", "Theirs")
    git(other, "push", "-q")
    theirs = on(trained, "main")
    made = results("publish", "--run", "retrain-x")
    assert made == {"branch": "retrain/retrain-x", "commit": on(trained, "retrain/retrain-x")}
    assert on(trained, "main") == theirs == git(other, "rev-parse", "HEAD")
    said = capfd.readouterr().out
    assert "main has moved meanwhile" in said and "git merge origin/retrain/retrain-x" in said


def test_a_server_that_takes_nothing_is_an_error_with_gits_words(trained: Path, tmp_path: Path) -> None:
    hook = tmp_path / "bare.git" / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho no >&2\nexit 1\n")
    hook.chmod(0o755)
    before = on(trained, "main")
    with pytest.raises(DeliveryError, match=r"git push failed: .*pre-receive hook declined"):
        repository.push("retrain/x")
    assert on(trained, "main") == before and on(trained, "retrain/x") == ""


def test_a_dvc_remote_that_takes_nothing_leaves_main_as_it_is(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = on(trained, "main")
    monkeypatch.setenv("DVC_REMOTE_URL", "/proc/no")
    assert main(["publish", "--run", "retrain-x"]) == 1
    assert on(trained, "main") == before


def test_only_the_participants_own_server_gets_the_login(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_URL", "http://git.invalid:3000/user1/mlops-workshop.git")
    monkeypatch.setenv("GIT_USERNAME", "user1")
    monkeypatch.setenv("GIT_PASSWORD", "not-to-be-seen")
    assert main(["login"]) == 0
    for host, given in (("git.invalid:3000", "not-to-be-seen"), ("other.invalid", "")):
        asked = f"protocol=http\nhost={host}\n\n"
        done = subprocess.run(
            ["git", "-c", "core.askPass=true", "credential", "fill"], input=asked, capture_output=True, text=True
        )
        assert f"password={given}\n" in done.stdout, done.stderr
    assert "not-to-be-seen" not in (clone.parent / "home" / ".gitconfig").read_text()


@pytest.mark.parametrize(("link", "path"), [("data/way", "way/x.csv"), ("data", "x.csv"), ("data/a", "a/b/x.csv")])
def test_data_behind_a_link_is_refused_with_the_pointer_and_the_link(tmp_path: Path, link: str, path: str) -> None:
    folder, outside = tmp_path / "model", tmp_path / "outside"
    outside.mkdir()
    (folder / link).parent.mkdir(parents=True)
    (folder / link).symlink_to(outside)
    (folder / "data" / "x.dvc").write_text(f"outs:\n- path: {path}\n")
    with pytest.raises(DeliveryError, match=rf"x.dvc: the output {path} lies behind the link .*/{link}, allowed"):
        repository.refuse_links(folder)


def test_data_in_folders_is_accepted_and_a_file_may_be_a_link_itself(tmp_path: Path) -> None:
    (tmp_path / "data" / "a").mkdir(parents=True)
    # DVC links a file to its cache where the configuration says so.
    (tmp_path / "data" / "a" / "x.csv").symlink_to(tmp_path)
    (tmp_path / "data" / "x.dvc").write_text("outs:\n- path: a/x.csv\n- {}\n")
    (tmp_path / "data" / "empty.dvc").write_text("")
    repository.refuse_links(tmp_path)
