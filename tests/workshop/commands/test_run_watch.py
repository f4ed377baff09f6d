"""`workshop run --watch` in a lab or on a cluster: again after each change, also after a failure."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from workshop.commands import run
from workshop.errors import ManifestError, UsageError

TARGET: Any = SimpleNamespace(client=lambda: None, namespace=lambda: "user1-dev")


def test_watch_runs_again_after_each_change_also_of_a_run_that_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file, stale = tmp_path / "run.yaml", list[bool]()
    file.write_text("a: 1")

    def once(_: Namespace, __: object, namespace: str, is_stale: Callable[[], bool]) -> int:
        assert namespace == "user1-dev"
        if len(stale) == 2:
            raise KeyboardInterrupt
        file.write_text("a: 1\n" * (2 + len(stale)))
        stale.append(is_stale())
        raise ManifestError("the file is wrong")

    monkeypatch.setattr(run, "_once", once)
    with pytest.raises(KeyboardInterrupt):
        run.run(Namespace(watch=True, files=[str(file)], namespace=""), TARGET)
    assert stale == [True, True]
    assert capsys.readouterr().err.count("the file is wrong") == 2
    with pytest.raises(UsageError, match="standard input"):
        run.run(Namespace(watch=True, files=["-"], namespace=""), TARGET)
