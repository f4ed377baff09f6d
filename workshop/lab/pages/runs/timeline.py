"""A run's tasks over time, as bars.

A bar is in thousandths of the run's duration, so the page can draw it at any width. The page's script redraws a running
bar each second.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from workshop.lab.pages.runs.graph import Node
from workshop.lab.pages.times import duration

WHOLE = 1000


@dataclass(frozen=True)
class Bar:
    """One row.

    `start` and `end` are seconds since 1970, `end` is None while it runs; `x` and `width` are parts of WHOLE.
    """

    node: Node
    start: float
    end: float | None
    x: int
    width: int


@dataclass(frozen=True)
class Timeline:
    """All rows and their time span in seconds since 1970; a row of a task that has not started has no bar."""

    start: float
    end: float
    running: bool
    rows: tuple[tuple[Node, Bar | None], ...]

    @property
    def took(self) -> str:
        """The duration in words; empty if nothing has started."""
        return duration(int(self.end - self.start)) if self.end else ""


def timeline(nodes: Sequence[Node]) -> Timeline:
    """The rows in the order of the Pipeline; the children of a matrix one by one."""
    flat = [node for one in nodes for node in (one.children or (one,))]
    now = time.time()
    begun = [
        (node, node.span.start.timestamp(), node.span.end.timestamp() if node.span.end else None)
        for node in flat
        if node.span.start
    ]
    if not begun:
        return Timeline(0, 0, False, tuple((node, None) for node in flat))
    first = min(start for _, start, _ in begun)
    last = max(first + 1, *(end if end is not None else now for _, _, end in begun))
    bars: dict[str, Bar] = {}
    for node, start, end in begun:
        x = round((start - first) / (last - first) * WHOLE)
        until = round(((end if end is not None else now) - first) / (last - first) * WHOLE)
        bars[node.key] = Bar(node, start, end, min(x, WHOLE - 4), max(until - x, 4))
    running = any(end is None for _, _, end in begun)
    return Timeline(first, last, running, tuple((node, bars.get(node.key)) for node in flat))
