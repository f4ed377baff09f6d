"""A room on the lab's API server: commands as an instructor types them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.workshop.cohort.proxy import Proxy
from tests.workshop.lab.api.conftest import lab  # noqa: F401
from tests.workshop.lab.serving import Lab
from workshop.cli import main

Cohort = Callable[..., tuple[int, list[dict[str, Any]]]]


@pytest.fixture
def cohort(lab: Lab, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Cohort]:  # noqa: F811
    """Run `workshop cohort` with `-o json`: the exit code and the events. At the end the room is removed.

    Participants are `s1`, `s2`, ...: the lab has its own `user1`."""

    def run(action: str, *words: str) -> tuple[int, list[dict[str, Any]]]:
        where = ["--kubeconfig", str(lab.state.kubeconfig), "-o", "json"]
        sheet = ["--sheet", str(tmp_path / "sheet")] if action == "provision" else []
        if "--users" in words and "--prefix" not in words:
            sheet += ["--prefix", "s"]
        capsys.readouterr()
        code = main(["cohort", action, *where, *sheet, *words])
        return code, [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    yield run
    for name in ("room", "other"):
        main(["cohort", "teardown", "--cohort", name, "--yes", "--kubeconfig", str(lab.state.kubeconfig)])


@pytest.fixture
def proxy(lab: Lab, tmp_path: Path) -> Iterator[Proxy]:  # noqa: F811
    """A proxy before the lab's API."""
    running = Proxy(lab, tmp_path)
    yield running
    running.stop()
