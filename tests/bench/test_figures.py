"""How figures are kept, shown and replaced, and that the load of other programs is seen."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.bench import __main__ as bench
from tests.bench import page, results
from tests.bench.figures import Figure, Part, replaces
from tests.bench.load import MARK, foreign
from tests.bench.markers import Section
from tests.bench.results import Measured

IDLE, LOADED = Figure("start", 1.0, "s", 0.01), Figure("start", 3.0, "s", 0.4)
MEASURED = Measured((IDLE, Figure("a Task", 12.35, "ms", 0.02, 10)), "two cores", "2026-11-30", "0123456789ab")


@pytest.mark.parametrize(
    ("new", "old", "replaced"),
    [
        ([IDLE], [], True),
        ([LOADED], [], True),
        ([IDLE], [LOADED], True),
        ([IDLE], [IDLE], True),
        ([LOADED], [LOADED], True),
        ([LOADED], [IDLE], False),
    ],
)
def test_figures_of_a_loaded_machine_never_replace_those_of_an_idle_one(
    new: list[Figure], old: list[Figure], replaced: bool
) -> None:
    assert replaces(new, old) is replaced


def test_kept_figures_are_read_as_they_were_written(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    assert results.read(file) == {}
    results.write({"tekton": MEASURED}, file)
    assert results.read(file) == {"tekton": MEASURED}


def test_the_page_shows_load_and_how_to_repeat_a_part() -> None:
    text = page.section("tekton", MEASURED)
    assert "| 10 | 12.3 ms | 2% |" in text
    assert "| start | 1 s | 1% |" in text
    assert "`python -m tests.bench --only tekton`, 2026-11-30, commit 0123456789ab, two cores." in text
    assert "Other programs used" not in text
    loaded = Measured((LOADED,), "two cores", "2026-11-30", "0123456789ab")
    assert "**Other programs used up to 40% of the processors" in page.section("api", loaded)


def test_a_section_without_its_comments_is_an_error_and_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "README.md"
    file.write_text("<!-- figures: x -->\nold\n")
    with pytest.raises(RuntimeError, match="lacks one of the lines"):
        Section(file, "x").write("new")
    assert file.read_text() == "<!-- figures: x -->\nold\n"


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, list[Figure]]:
    """A part `api` with the figures of the returned dict, and files of its own."""
    figures = {"api": [IDLE]}
    part = Part("The API", lambda: iter(figures["api"]), 0.1)
    monkeypatch.setattr(bench, "PARTS", {"api": part})
    monkeypatch.setattr(page, "PARTS", {"api": part})
    monkeypatch.setattr(results.read, "__defaults__", (tmp_path / "results.json",))
    monkeypatch.setattr(results.write, "__defaults__", (tmp_path / "results.json",))
    (tmp_path / "README.md").write_text("<!-- figures: make bench -->\n<!-- end of figures -->\n")
    monkeypatch.setattr(page.write, "__defaults__", (tmp_path / "README.md",))
    monkeypatch.setenv(MARK, "test")
    return figures


def test_a_run_under_load_says_so_and_keeps_the_idle_figures(
    parts: dict[str, list[Figure]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench.main([]) == 0
    parts["api"] = [LOADED]
    assert bench.main([]) == 1
    assert "start: 3 s  (others used 40%)" in capsys.readouterr().out
    assert results.read()["api"].figures == (IDLE,)
    parts["api"] = [Figure("start", 2.0, "s", 0.0)]
    assert bench.main(["--resume"]) == 0
    assert results.read()["api"].figures == (IDLE,), "this commit has idle figures"


def test_a_program_is_foreign_unless_a_benchmark_started_it_even_when_its_parent_has_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(MARK, "mine")
    own = subprocess.Popen(["sleep", "30"])
    # Children of a shell that has ended, as the supervisor of a lab is.
    line = "sleep 30 >/dev/null 2>&1 & echo $!"
    orphans = [int(subprocess.run(["bash", "-c", line], env={MARK: mark, "PATH": os.defpath}, check=True,
                                  capture_output=True).stdout) for mark in ("mine", "another")]  # fmt: skip
    try:
        found = foreign()
        assert [pid in found for pid in (os.getpid(), own.pid, *orphans)] == [False, False, False, True]
    finally:
        for pid in (own.pid, *orphans):
            os.kill(pid, signal.SIGKILL)
        own.wait()
