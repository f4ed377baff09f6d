"""The built-in oc against a running API server, beside kubectl where there is one."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass

import pytest

from tests.workshop.lab.api.conftest import kubectl, lab, namespace  # noqa: F401
from tests.workshop.lab.serving import Lab
from workshop.oc.cli import main


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str


Run = Callable[..., Done]


@pytest.fixture
def oc(lab: Lab, namespace: str, monkeypatch: pytest.MonkeyPatch) -> Run:  # noqa: F811
    """Run the built-in oc in this process."""
    monkeypatch.setenv("KUBECONFIG", str(lab.state.kubeconfig))

    def run(*words: str, stdin: str = "") -> Done:
        out, err = io.StringIO(), io.StringIO()
        given = io.TextIOWrapper(io.BytesIO(stdin.encode()))
        kept, sys.stdin = sys.stdin, given
        try:
            with redirect_stdout(out), redirect_stderr(err):
                code = main(["-n", namespace, *words])
        finally:
            sys.stdin = kept
        return Done(code, out.getvalue(), err.getvalue())

    assert os.environ["KUBECONFIG"]
    return run
