"""`kill -9` of one part. The supervisor starts every part again but itself."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import psutil

from tests.soak.faults.base import ALL
from tests.soak.lab import Lab

PROCESSES = ALL - {"objects", "pages"}
"""The loads that need the launcher's children."""


@contextmanager
def supervisor(lab: Lab) -> Iterator[None]:
    """Kill the supervisor. None of its processes may be left, and `workshop up` starts the lab again."""
    family = lab.processes()
    _kill(lab, "lab")
    yield
    _, left = psutil.wait_procs(family, timeout=10)
    assert not left, f"processes of a lab that was killed 10 s ago: {left}"
    lab.up()


@contextmanager
def launcher(lab: Lab) -> Iterator[None]:
    """Kill the launcher. Every process that it had started ends with it and starts again."""
    killed = {name: lab.pids(name) for name in ("launcher", "mlflow", "production-model")}
    _kill(lab, "launcher")
    yield
    for name, old in killed.items():
        lab.until_replaced(name, old)


def part(name: str) -> Callable[[Lab], AbstractContextManager[None]]:
    """Kill a part that the supervisor starts again."""

    @contextmanager
    def killed(lab: Lab) -> Iterator[None]:
        old = _kill(lab, name)
        yield
        lab.until_replaced(name, old)

    return killed


def _kill(lab: Lab, name: str) -> set[int]:
    pids = lab.pids(name)
    assert pids, f"{name} does not run"
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    return pids
