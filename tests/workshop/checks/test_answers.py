"""The answers that a participant writes down: where they go, and that following a hint is enough."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from workshop.checks import answers
from workshop.checks.finding import CheckContext


@pytest.fixture
def context(tmp_path: Path) -> CheckContext:
    """A clone without a folder for answers."""

    class Nothing:
        def find(self, kind: str, namespace: str, name: str) -> None: ...

        def list(self, kind: str, namespace: str) -> list[dict[str, object]]:
            return []

    return CheckContext(Nothing(), {}, tmp_path)


def test_the_hint_writes_an_answer_where_the_check_finds_it_though_the_folder_is_missing(context: CheckContext) -> None:
    finding = answers.missing("02", "worst-hour", "you know the hour to avoid")
    assert "answers/02.yaml in your clone" in finding.reason
    subprocess.run(["bash", "-euc", finding.hint.replace("...", "21")], cwd=context.clone, check=True)
    assert answers.answers(context, "02") == {"worst-hour": "21"}


def test_taking_a_module_back_keeps_every_version_of_the_answers(context: CheckContext) -> None:
    folder = context.clone / "answers"
    folder.mkdir()
    assert answers.put_aside(context, "02") == []
    for text in ("worst-hour: 21\n", "worst-hour: 20\n"):
        (folder / "02.yaml").write_text(text)
        (said,) = answers.put_aside(context, "02")
        assert answers.answers(context, "02") == {}
        assert (context.clone / said.partition(": ")[2]).read_text() == text
