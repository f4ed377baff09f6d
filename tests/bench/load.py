"""The processor time of other programs, so that a figure can say whether it was measured alone."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress

import psutil

MARK = "WORKSHOP_BENCH"
"""A variable that the programs of the benchmarks have, also those that outlive their parent."""


class Others:
    """What other programs use from its creation on, until `share` is asked for.

    The time of a process that ends is in the time of the process that waited for it, so no short one is missed. A
    program of the benchmarks that outlives its parent must not end meanwhile: init waits for it.
    """

    def __init__(self) -> None:
        self._began, self._before = time.monotonic(), _foreign_seconds()

    def share(self) -> float:
        """The share of all processors that other programs, and other virtual machines, used: 0 to 1."""
        used, seconds = _foreign_seconds() - self._before, time.monotonic() - self._began
        return min(1.0, max(0.0, used) / (seconds * (os.cpu_count() or 1)))


def timed(do: Callable[[], object]) -> tuple[float, float]:
    """Seconds that a call takes, and the share of the processors that other programs used meanwhile."""
    others, began = Others(), time.perf_counter()
    do()
    seconds = time.perf_counter() - began
    return seconds, others.share()


def _foreign_seconds() -> float:
    """CPU seconds of all foreign processes, and those of other virtual machines."""
    return sum(foreign().values()) + float(getattr(psutil.cpu_times(), "steal", 0.0))


def foreign() -> dict[int, float]:
    """CPU seconds of every process that is not the benchmarks', with those of its children that have ended, by pid."""
    marked = os.environ.get(MARK)
    ours = {os.getpid()}
    parents: dict[int, int] = {}
    used: dict[int, float] = {}
    for process in psutil.process_iter(["pid", "ppid", "cpu_times"]):
        parents[process.pid] = process.info["ppid"] or 0
        if times := process.info["cpu_times"]:
            used[process.pid] = times.user + times.system + times.children_user + times.children_system
        with suppress(psutil.Error):
            if marked and process.environ().get(MARK) == marked:
                ours.add(process.pid)
    return {pid: seconds for pid, seconds in used.items() if not _descends(pid, parents, ours)}


def _descends(pid: int, parents: dict[int, int], ours: set[int]) -> bool:
    while pid > 1:
        if pid in ours:
            return True
        pid = parents.get(pid, 0)
    return False
