"""Whatever breaks in the middle, the same command goes on, and the end is the same."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.workshop.cohort.conftest import Cohort
from tests.workshop.cohort.proxy import CUT, HOLD, Proxy
from tests.workshop.lab.serving import Lab
from workshop.cli import main
from workshop.cluster.client import Client
from workshop.cohort.objects import CohortObjects
from workshop.participants.names import COHORT
from workshop.usecase import KIT

VOLATILE = ("creationTimestamp", "managedFields", "resourceVersion", "uid", "generation")


def state(lab: Lab) -> dict[str, Any]:
    """The room's objects, without what differs from one server to the next and without random values."""
    client = Client.load(lab.state.kubeconfig)
    found: dict[str, Any] = {}
    for resource in CohortObjects.load(KIT, "room", client.resources).kinds:
        for obj in client.list(resource.resource, labels=f"{COHORT}=room", everywhere=True):
            meta = {key: value for key, value in obj["metadata"].items() if key not in VOLATILE}
            if obj["kind"] == "Secret":
                obj = {**obj, "data": sorted(obj.get("data") or {})}
            found[f"{obj['kind']} {meta.get('namespace')} {meta['name']}"] = {**obj, "metadata": meta, "status": None}
    return found


def provision(proxy: Proxy, tmp_path: Path) -> int:
    words = ["--users", "1", "--prefix", "s", "--kubeconfig", str(proxy.kubeconfig), "--sheet", str(tmp_path / "sheet")]
    return main(["cohort", "provision", *words])


def test_a_busy_or_broken_server_is_asked_again(cohort: Cohort, lab: Lab, proxy: Proxy, tmp_path: Path) -> None:
    assert cohort("provision", "--users", "1")[0] == 0
    whole = state(lab)
    cohort("teardown", "--yes")
    faults = {0: 429, 1: 503, 2: CUT, 3: 500}

    def fault(number: int, method: str, path: str) -> int:
        return faults[number // 8 % 4] if number % 8 == 0 and method == "POST" else 0

    proxy.fault = fault
    assert provision(proxy, tmp_path) == 0
    assert state(lab) == whole


def test_interrupted_at_any_point_and_run_again_the_state_is_the_same(
    cohort: Cohort, lab: Lab, proxy: Proxy, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cohort("provision", "--users", "1")[0] == 0
    whole = state(lab)
    cohort("teardown", "--yes")
    for point in sorted(random.Random(7).sample(range(1, 60), 2)):
        first = proxy.requests

        def expired(number: int, method: str, path: str, end: int = first + 8 + point) -> int:
            return 401 if number > end else 0

        proxy.fault = expired
        assert provision(proxy, tmp_path) == 3, "the login ends in the middle"
        assert "goes on where it stopped" in capsys.readouterr().err
        partial = state(lab)
        assert partial != whole
        proxy.fault = lambda number, method, path: 0
        assert provision(proxy, tmp_path) == 0
        assert state(lab) == whole
        cohort("teardown", "--yes")


def test_ctrl_c_says_how_to_go_on(cohort: Cohort, proxy: Proxy, tmp_path: Path) -> None:
    # The command cannot end before the signal: it waits for an answer about s2.
    proxy.fault = lambda number, method, path: HOLD if method == "POST" and "/namespaces/s2-" in path else 0
    words = ["--users", "2", "--prefix", "s", "--kubeconfig", str(proxy.kubeconfig)]
    running = subprocess.Popen(
        [sys.executable, "-m", "workshop", "cohort", "provision", *words, "--sheet", str(tmp_path / "sheet")],
        stderr=subprocess.PIPE,
        text=True,
        cwd=KIT,
        env={**os.environ, "PYTHONPATH": str(KIT)},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert running.stderr is not None
    for line in running.stderr:
        if " objects written" in line:
            running.send_signal(signal.SIGINT)
            break
    rest = running.stderr.read()
    assert running.wait(60) == 130, rest
    assert "the same command goes on" in rest


def test_a_server_that_refuses_is_named_with_the_object(
    cohort: Cohort, proxy: Proxy, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    proxy.fault = lambda number, method, path: 403 if method == "POST" and path.endswith("/roles") else 0
    assert provision(proxy, tmp_path) == 4
    said = capsys.readouterr().err
    assert "cannot create Role" in said and " in s1-" in said
    assert "made 403" in said and "workshop cluster preflight" in said
