"""Production on a real API server with the built-in oc, and without what makes pods of it."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
from flights.promotion import cluster, registry

from tests.workshop.lab.api.conftest import lab, namespace  # noqa: F401
from tests.workshop.lab.serving import Lab
from workshop.oc.cli import main

_REAL = cluster._oc


@pytest.fixture
def production(
    lab: Lab,  # noqa: F811
    namespace: str,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> str:
    """The namespace. Nothing becomes ready here, so waits return at once; the registry knows every version.

    `oc` runs in this process, which takes a tenth of the time.
    """
    monkeypatch.setenv("KUBECONFIG", str(lab.state.kubeconfig))
    monkeypatch.setenv("PRODUCTION_NAMESPACE", namespace)
    monkeypatch.setattr(cluster, "wait", lambda *_, **__: None)
    monkeypatch.setattr(cluster, "_oc", _in_this_process)
    monkeypatch.setattr(registry, "tags", lambda version: {"git_commit": "c" * 40, "data_version": "d" * 12})
    return namespace


def _in_this_process(words: Sequence[str], given: str = "") -> subprocess.CompletedProcess[str]:
    out, err, kept = io.StringIO(), io.StringIO(), sys.stdin
    sys.stdin = io.TextIOWrapper(io.BytesIO(given.encode()))
    try:
        with redirect_stdout(out), redirect_stderr(err):
            code = main(list(words))
    finally:
        sys.stdin = kept
    return subprocess.CompletedProcess(list(words), code, out.getvalue(), err.getvalue())


@pytest.fixture
def programs(production: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The same with `oc` as a program on PATH, for what happens at the same time."""
    oc = tmp_path / "bin" / "oc"
    oc.parent.mkdir()
    oc.write_text(f'#!/bin/sh\nexec {sys.executable} -m workshop.oc "$@"\n')
    oc.chmod(0o755)
    monkeypatch.setenv("PATH", str(oc.parent), prepend=":")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).resolve().parents[2]))
    monkeypatch.setattr(cluster, "_oc", _REAL)
    return production
