"""Changes of files on this machine."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path

POLL_SECONDS = 0.3


class Watched:
    """Files, as they were at the beginning."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self._before = {path: _state(path) for path in paths}

    def changed(self) -> bool:
        """Whether one of the files was written, replaced, created or deleted."""
        return any(_state(path) != before for path, before in self._before.items())

    async def until_changed(self) -> None:
        """Return when one of the files has changed."""
        while not self.changed():
            await asyncio.sleep(POLL_SECONDS)


def _state(path: Path) -> tuple[int, ...] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
