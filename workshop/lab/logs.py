"""Rotation of the lab's logs, so that clients cannot fill the disk with log lines about their requests.

Other programs keep their log file open, so it is copied and truncated (logrotate's copytruncate); all of them append.
Lines written between the two operations are lost.
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
"""Bytes of one log; one older part is kept as `<name>.1`."""
POLL_SECONDS = 20.0
log = logging.getLogger("workshop.lab")


async def rotate_logs(state: LabPaths) -> None:
    """Rotate logs that are too large, until cancelled."""
    while True:
        await asyncio.to_thread(rotate, state)
        await asyncio.sleep(POLL_SECONDS)


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
    """The supervisor's log and those of programs and containers."""
    for root, pattern in ((state.root, "*.log"), (state.run, "*.log"), (state.components, "*/*.log")):
        yield from root.glob(pattern)
    yield from (state.root / "pods").glob("*/*/logs/*.log")
