"""The last result of each module's check, and its time.

It is in the lab's folder, not in the browser, so that every browser and terminal shows the same. It is for display
only: each check decides again whether its module is done.
"""

from __future__ import annotations

import json
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from workshop.lab.paths import LabPaths


@dataclass(frozen=True)
class CheckRecord:
    """The last result of a module's check: how many of its tasks were not done, and the time in seconds since 1970."""

    left: int
    tasks: int
    at: float

    @property
    def done(self) -> bool:
        return self.left == 0


def progress(state: LabPaths) -> dict[str, CheckRecord]:
    """By module number; empty when no check has run yet or the file cannot be read."""
    try:
        read = json.loads(_file(state).read_text(encoding="utf-8"))
        return {number: CheckRecord(**record) for number, record in read.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def record(state: LabPaths, number: str, left: int, tasks: int) -> None:
    """Store the result of a check. Raises OSError."""
    known = {**progress(state), number: CheckRecord(left, tasks, round(time.time(), 1))}
    file = _file(state)
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=file.parent, prefix=".progress", delete=False) as written:
        json.dump({each: asdict(record) for each, record in sorted(known.items())}, written)
    Path(written.name).replace(file)


def _file(state: LabPaths) -> Path:
    return state.root / "progress.json"
