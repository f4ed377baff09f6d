"""What is known of a participant's way through the guide: the last finding of each module's check, and when.

Kept beside the lab and not in the browser, so that it is the same on the phone, in the terminal and for an instructor
who looks. It is a memory of checks and decides nothing: whether a module is done, its check says anew each time.
"""

from __future__ import annotations

import json
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from workshop.lab.paths import LabPaths


@dataclass(frozen=True)
class Seen:
    """What a module's check said last: tasks left of all, at a time in seconds since 1970."""

    left: int
    tasks: int
    at: float

    @property
    def done(self) -> bool:
        return self.left == 0


def progress(state: LabPaths) -> dict[str, Seen]:
    """By module number; empty when no check has run yet or the file cannot be read."""
    try:
        read = json.loads(_file(state).read_text(encoding="utf-8"))
        return {number: Seen(**seen) for number, seen in read.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def note(state: LabPaths, number: str, left: int, tasks: int) -> None:
    """Remember what a check has said. Raises OSError."""
    known = {**progress(state), number: Seen(left, tasks, round(time.time(), 1))}
    file = _file(state)
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=file.parent, prefix=".progress", delete=False) as written:
        json.dump({each: asdict(seen) for each, seen in sorted(known.items())}, written)
    Path(written.name).replace(file)


def _file(state: LabPaths) -> Path:
    return state.root / "progress.json"
