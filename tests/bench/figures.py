"""The common shape of all benchmarks: a part yields figures, each with the load of other programs beside it.

A part is a module with `measure`, one entry of `parts.PARTS`. A figure that was measured while other programs used more
than MAX_OTHER_LOAD of the processors is marked and never replaces one that was measured on an idle machine.
"""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

KIT = Path(__file__).resolve().parents[2]
MAX_OTHER_LOAD = 0.05
"""The share of the machine's processors that other programs may use during a measurement."""


@dataclass(frozen=True)
class Figure:
    """One measured value.

    `load` is the share of all processors that other programs used meanwhile, 0 to 1. A figure of a series has its
    place in it: `at` of what `name` says it grows with, such as 100 participants.
    """

    name: str
    value: float
    unit: str
    load: float = 0.0
    at: int | None = None

    @property
    def is_loaded(self) -> bool:
        """Whether other programs used too much of the machine."""
        return self.load > MAX_OTHER_LOAD


@dataclass(frozen=True)
class Part:
    """One entry of `parts.PARTS`.

    `title` is the heading of the page, `measure` yields the figures, `minutes` is about how long that takes. `grows` is
    what the series of the part grow with; empty without series. `needs` returns why it cannot be measured here.
    """

    title: str
    measure: Callable[[], Iterator[Figure]]
    minutes: float
    grows: str = ""
    needs: Callable[[], str] = str


def machine() -> str:
    """What it was measured on."""
    found = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
    return f"{found[1] if found else platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"


def replaces(new: Sequence[Figure], old: Sequence[Figure]) -> bool:
    """Whether new figures of a part take the place of the old ones: unless they are loaded and the old ones are not."""
    return not old or any(one.is_loaded for one in old) or not any(one.is_loaded for one in new)
