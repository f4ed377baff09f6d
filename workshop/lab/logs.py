"""Rotation of all logs of the lab: no sender of bad requests can fill the disk with what is logged about them.

Programs of others keep their log open, so it is copied and cut off (logrotate's copytruncate): every one of them
appends. What is written between the two is lost.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from workshop.lab.paths import LabPaths

MAX_BYTES = 16 * 1024 * 1024
"""Of one log; one older part is kept as `<name>.1`."""
LOOK_SECONDS = 20.0
log = logging.getLogger("workshop.lab")


async def rotate_logs(state: LabPaths) -> None:
    """Rotate what has become too large, until cancelled."""
    while True:
        await asyncio.to_thread(rotate, state)
        await asyncio.sleep(LOOK_SECONDS)


def rotate(state: LabPaths) -> None:
    """Rotate every log above MAX_BYTES once."""
    for path in logs(state):
        try:
            if path.stat().st_size > MAX_BYTES:
                shutil.copyfile(path, path.with_name(f"{path.name}.1"))
                os.truncate(path, 0)
        except OSError as e:
            log.warning("the log %s cannot be rotated: %s", path, e)


def logs(state: LabPaths) -> Iterator[Path]:
    """The supervisor's log, those of programs, and those of containers."""
    for root, pattern in ((state.root, "*.log"), (state.run, "*.log"), (state.components, "*/*.log")):
        yield from root.glob(pattern)
    yield from (state.root / "pods").glob("*/*/logs/*.log")
