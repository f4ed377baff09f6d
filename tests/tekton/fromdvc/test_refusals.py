"""A project that cannot become a pipeline: file, line, what was allowed and what to do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from fromdvc.__main__ import main

from tests.tekton.fromdvc.projects import make, stage, stages, write

CYCLE = stages(
    a=stage("a", ["c.txt"], ["a.txt"]), b=stage("b", ["a.txt"], ["b.txt"]), c=stage("c", ["b.txt"], ["c.txt"])
)
CASES: dict[str, tuple[str | bytes, str, str, str]] = {
    "cycle": (CYCLE, "dvc.yaml:2", "the stages a, b, c need each other in a circle", "remove one of the deps"),
    "a stage that needs its own output": (
        stages(a=stage("a", ["a.txt"], ["a.txt"])), "dvc.yaml:2", "the stage a needs its own output", "remove",
    ),
    "no dictionary": ("- a\n", "dvc.yaml:1", "expected a dictionary in the file", "https://dvc.org/doc"),
    "no UTF-8": (
        b"stages:\n  a:\n    cmd: \xe4\n", "dvc.yaml:3", "byte 0xe4 is not UTF-8", "save the file as UTF-8",
    ),
    "a working folder that Git lacks": (
        "stages:\n  a:\n    cmd: echo\n    wdir: nowhere\n    outs: [x]\n", "dvc.yaml:4",
        "a runs in nowhere, a folder that no stage makes and Git does not have", "commit a file in nowhere, or make",
    ),
    "unknown key": (
        "stages:\n  a:\n    cmd: echo\n    dep: [x]\n", "dvc.yaml:4", "unknown key stages -> a -> dep",
        "did you mean deps? allowed: always_changed, cmd, deps, desc, do, foreach,",
    ),
    "unknown key of the top level": (
        "stage:\n  a: {cmd: echo}\n", "dvc.yaml:1", "unknown key stage", "did you mean stages?",
    ),
    "unknown key of an output": (
        "stages:\n  a:\n    cmd: echo\n    outs:\n      - x:\n          cash: false\n", "dvc.yaml:6",
        "unknown key stages -> a -> outs -> 0 -> x -> cash", "did you mean cache?",
    ),
    "unknown key in foreach": (
        "stages:\n  a:\n    foreach: [1]\n    do:\n      cmd: echo\n      out: [x]\n", "dvc.yaml:6",
        "unknown key stages -> a -> do -> out", "did you mean outs?",
    ),
    "wrong type": ("stages:\n  a:\n    cmd: echo\n    deps: x\n", "dvc.yaml:4", "expected a list", "https://dvc.org/doc"),
    "no cmd": ("stages:\n  a:\n    deps: [x]\n", "dvc.yaml:", "required key not provided in stages -> a -> cmd", ""),
    "bad YAML": ("stages:\n  a: [\n", "dvc.yaml:3", "bad YAML", "mend the line"),
    "no stages": ("stages: {}\n", "dvc.yaml:1", "it has no stages", "dvc stage add"),
    "an output of two stages": (
        stages(a=stage("a", [], ["x.txt"]), b=stage("b", [], ["x.txt"])), "dvc.yaml:2",
        "x.txt is an output of more than one stage (also dvc.yaml:8)", "an output belongs to one stage",
    ),
    "an output in an output": (
        stages(a=stage("a", [], ["out"]), b=stage("b", [], ["out/x.txt"])), "dvc.yaml:2",
        "the output out/x.txt is inside the output out", "give each its own folder",
    ),
    "a dependency that nothing makes": (
        "stages:\n  a:\n    cmd: echo\n    deps:\n      - there.txt\n      - missing.csv\n", "dvc.yaml:6",
        "a depends on missing.csv, which no stage makes and neither DVC nor Git tracks",
        "git add or dvc add missing.csv, or add it to the outs of the stage that makes it",
    ),
    "a dependency of a foreach": (
        "stages:\n  a:\n    foreach: [x, y]\n    do:\n      cmd: echo\n      deps: ['${item}.csv']\n", "dvc.yaml:2",
        "a@x depends on x.csv, which no stage makes", "git add or dvc add x.csv",
    ),
    "an output outside": (
        "stages:\n  a:\n    cmd: echo\n    outs: [/somewhere/else.txt]\n", "dvc.yaml:4",
        "the output /somewhere/else.txt of a is outside of the repository", "an output is a path within the repository",
    ),
    "a template without a value": (
        "stages:\n  a:\n    cmd: echo ${nothing}\n", "dvc.yaml:3", "Could not find 'nothing'",
        "a template reads vars and params.yaml",
    ),
    "a foreach over a number": (
        "stages:\n  a:\n    foreach: ${x}\n    do: {cmd: echo}\nvars: [{x: 1}]\n", "dvc.yaml:3",
        "expected list/dictionary, got int", "a template reads",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_message_has_the_place_the_reason_and_what_to_do(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text, place, reason, hint = CASES[case]
    make(tmp_path, {"dvc.yaml": text, "there.txt": ""})
    monkeypatch.chdir(tmp_path)
    assert main(["dvc.yaml", "--image", "x"]) == 4
    printed = capsys.readouterr()
    assert printed.out == ""
    first, second = printed.err.strip().split("\n")
    assert first.startswith(f"error: {place}")
    assert re.match(r"error: dvc\.yaml:\d+: ", first)
    assert reason in first
    assert second.strip().startswith(hint) or hint in second


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        (
            "other/dvc.yaml", "stages:\n  a:\n    cmd: x\n    dep: [y]\n",
            "other/dvc.yaml:4: unknown key stages -> a -> dep\n  did you mean deps?",
        ),
        ("other/dvc.yaml", "stages:\n  a: [\n", "other/dvc.yaml:3: bad YAML"),
        (
            "x.csv.dvc", "outs:\n- path: x.csv\n  pth: y\n",
            "x.csv.dvc:3: extra keys not allowed in outs -> 0 -> pth\n  https",
        ),
    ],
)  # fmt: skip
def test_a_mistake_in_another_file_has_its_own_place(
    file: str,
    text: str,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    make(tmp_path, {"dvc.yaml": stages(a={"cmd": "echo"}), file: text})
    monkeypatch.chdir(tmp_path)
    assert main(["dvc.yaml", "--image", "x"]) == 4
    assert message in capsys.readouterr().err


def test_a_file_that_is_there_but_not_in_git_is_missing_in_the_clone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make(tmp_path, {"dvc.yaml": stages(a=stage("a", ["x.txt"], ["a.txt"])), ".gitignore": "x.txt\n"})
    write(tmp_path, {"x.txt": "1"})
    assert main([str(tmp_path / "dvc.yaml"), "--image", "x"]) == 4
    assert "a depends on x.txt, which no stage makes and neither DVC nor Git tracks" in capsys.readouterr().err


def test_without_git_there_is_nothing_to_clone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, {"dvc.yaml": stages(a={"cmd": "echo"}), ".dvc/config": "[core]\n    no_scm = true\n"})
    assert main([str(tmp_path / "dvc.yaml"), "--image", "x"]) == 4
    assert "is in no Git repository" in capsys.readouterr().err


def test_without_dvc_there_is_no_project(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make(tmp_path, {"x/dvc.yaml": stages(a={"cmd": "echo"})}, "y")
    assert main([str(tmp_path / "x" / "dvc.yaml"), "--image", "x"]) == 4
    assert "it is in no DVC project\n  dvc init" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["none.yaml", "--image", "x"], "none.yaml is no dvc.yaml\n  name the file of the stages: model/dvc.yaml"),
        (["dvc.yaml"], "the following arguments are required: --image\n  fromdvc --help lists what is allowed"),
        (["dvc.yaml", "--image", "x", "--name", "A_b"], "'A_b' is no name, allowed: at most 50 of a-z, 0-9 and -"),
        (["dvc.yaml", "--image", "x", "--env-from", "y"], "'y' is no source of variables, allowed: configmap/NAME or"),
        (["dvc.yaml", "--image", "x", "--storage", "1"], "'1' is no size, allowed: 500Mi or 5Gi"),
        (["dvc.yaml", "--image", "x", "--to", "x"], "invalid choice: 'x'"),
        (["dvc.yaml", "--image", "x", "--check"], "--check compares a file\n  add --file FILE"),
    ],
)
def test_a_wrong_option_is_a_usage_error(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    assert message in capsys.readouterr().err
