"""Waits for a change of files."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path

POLL_SECONDS = 0.3


async def until_changed(paths: Iterable[Path]) -> None:
    """Return when one of the files is written, replaced, created or deleted."""
    watched = list(paths)
    before = list(map(_state, watched))
    while list(map(_state, watched)) == before:
        await asyncio.sleep(POLL_SECONDS)


def _state(path: Path) -> tuple[int, ...] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
