"""The runner of the modules: it fails where a participant would, with the line of the module."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from workshop.guide.runner import Result, compare, run_module

FRONT = "---\ntitle: A title\nminutes: 10\nruns-on: lab\nchecks: false\n---\n"
ENV = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "PLACE": "here"}


def _run(folder: Path, body: str, where: str = "lab") -> Result:
    path = folder / "01-try-it.md"
    path.write_text(FRONT + body)
    return run_module(path, ENV, folder, where=where)


def test_runs_all_commands_in_one_shell(tmp_path: Path) -> None:
    first = "```bash\n$ word=kept; mkdir -p sub; cd sub\n```\n"
    result = _run(tmp_path, first + "```bash\n$ echo $word $(basename $PWD)\nkept sub\n```\n")
    assert result.ok, result.problem
    assert [ran.line for ran in result.commands] == [8, 11]


def test_a_different_line_is_an_error_with_file_and_line(tmp_path: Path) -> None:
    result = _run(tmp_path, "```bash\n$ printf 'one\\ntwo\\n'\none\nthree\n```\n")
    assert result.problem.startswith(f"{tmp_path}/01-try-it.md:10: expected 'three', found 'two'")
    assert "  one\n  two" in result.problem


def test_an_unexpected_exit_code_ends_the_run(tmp_path: Path) -> None:
    result = _run(tmp_path, "```bash\n$ echo why >&2; false\n$ echo never\n```\n")
    assert ":8: `echo why >&2; false` ended with exit code 1, expected 0" in result.problem
    assert "  why" in result.problem
    assert len(result.commands) == 1


def test_an_expected_exit_code_is_that_of_the_last_command(tmp_path: Path) -> None:
    assert _run(tmp_path, "```bash exit=3\n$ true\n$ (exit 3)\n```\n").ok
    assert "expected 3" in _run(tmp_path, "```bash exit=3\n$ true\n```\n").problem


def test_a_command_that_hangs_is_ended(tmp_path: Path) -> None:
    began = time.monotonic()
    result = _run(tmp_path, "```bash timeout=0.5\n$ echo begun; sleep 60\n```\n")
    assert "did not end within 0.5 s" in result.problem and "begun" in result.problem
    assert time.monotonic() - began < 10


def test_a_command_that_ends_the_shell_is_an_error(tmp_path: Path) -> None:
    assert "ended the shell" in _run(tmp_path, "```bash\n$ exit 0\n```\n").problem


def test_a_command_does_not_read_the_commands_after_it(tmp_path: Path) -> None:
    result = _run(tmp_path, "```bash\n$ cat\n$ echo after\nafter\n```\n")
    assert result.ok, result.problem


def test_output_without_a_newline_at_its_end_is_compared(tmp_path: Path) -> None:
    assert _run(tmp_path, "```bash\n$ printf abc\nabc\n```\n").ok


def test_variables_are_replaced_in_expected_lines(tmp_path: Path) -> None:
    assert _run(tmp_path, "```bash\n$ echo $PLACE\n$PLACE\n```\n").ok


def test_a_cluster_block_is_counted_not_run_in_the_lab(tmp_path: Path) -> None:
    body = "```bash only=cluster\n$ false\n```\n"
    assert _run(tmp_path, body) == Result(tmp_path / "01-try-it.md", "", [], 1)
    assert not _run(tmp_path, body, where="cluster").ok


def test_the_environment_of_the_test_is_not_inherited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_OF_THE_TESTER", "x")
    assert _run(tmp_path, '```bash\n$ echo "[$SECRET_OF_THE_TESTER]"\n[]\n```\n').ok


@pytest.mark.parametrize(
    ("expected", "printed"),
    [
        ((), ["anything"]),
        (("a   b",), ["a b"]),
        (("...",), []),
        (("...",), ["x", "y"]),
        (("x", "...", "z"), ["x", "1", "2", "z"]),
        (("...", "x", "..."), ["x"]),
        (("run-<id> True",), ["run-x7k2p   True"]),
        (("took ... s",), ["took 3.2 s"]),
        (("[a] (b) *",), ["[a] (b) *"]),
        (("x", ""), ["x", ""]),
    ],
)
def test_lines_match_their_patterns(expected: tuple[str, ...], printed: list[str]) -> None:
    assert compare(expected, printed) is None


@pytest.mark.parametrize(
    ("expected", "printed", "at"),
    [
        (("a",), ["b"], 0),
        (("a", "b"), ["a"], 1),
        (("a",), ["a", "b"], 0),
        (("...", "z"), ["x", "y"], 1),
        (("run-<id>",), ["run-two words"], 0),
        (("a",), [], 0),
        (("<one>",), ["two words"], 0),
    ],
)
def test_lines_that_differ_are_found(expected: tuple[str, ...], printed: list[str], at: int) -> None:
    found = compare(expected, printed)
    assert found is not None and found[0] == at
