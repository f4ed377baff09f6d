"""A part that is away, or that is there and does not answer."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress

from tests.soak.lab import Lab

LOOK_SECONDS = 0.1


def away(name: str) -> Callable[[Lab], AbstractContextManager[None]]:
    """Kill a part whenever it runs."""

    @contextmanager
    def killed(lab: Lab) -> Iterator[None]:
        ended = threading.Event()

        def kill() -> None:
            while not ended.wait(LOOK_SECONDS):
                with suppress(OSError, AssertionError):
                    for pid in lab.pids(name):
                        os.kill(pid, signal.SIGKILL)

        killing = threading.Thread(target=kill)
        killing.start()
        try:
            yield
        finally:
            ended.set()
            killing.join()

    return killed


def hangs(name: str) -> Callable[[Lab], AbstractContextManager[None]]:
    """Stop a part's processes, which keep their connections."""

    @contextmanager
    def stopped(lab: Lab) -> Iterator[None]:
        pids = lab.pids(name)
        assert pids, f"{name} does not run"
        for pid in pids:
            os.killpg(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.killpg(pid, signal.SIGCONT)

    return stopped
