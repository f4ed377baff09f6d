"""What a fault is."""

from __future__ import annotations

from collections.abc import Callable, Set
from contextlib import AbstractContextManager
from dataclasses import dataclass

from tests.soak.lab import Lab

ALL = frozenset(("predictions", "objects", "task runs", "mlflow runs", "pages"))
"""The names of all loads."""
MEBIBYTES = 2**20


def nothing(lab: Lab) -> str:
    """A fault that can be made everywhere."""
    return ""


@dataclass(frozen=True)
class Fault:
    """One fault.

    `about` is a sentence for people. `make` makes the fault when its context is entered and takes it back at the end;
    it raises AssertionError for an answer of the lab that is wrong. `may_fail` are the loads whose requests may fail
    until the lab is healthy again; nothing that was acknowledged may be lost in any case. The fault lasts `lasts`
    seconds. `needs` returns the reason why the fault cannot be made on this machine. The lab's memory may grow by
    `most_growth` bytes.
    """

    about: str
    make: Callable[[Lab], AbstractContextManager[None]]
    may_fail: Set[str] = frozenset()
    lasts: float = 0
    needs: Callable[[Lab], str] = nothing
    most_growth: int = 200 * MEBIBYTES
