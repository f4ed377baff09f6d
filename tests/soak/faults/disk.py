"""A full and a slow disk. The soak keeps the lab on a file system of its own where root may mount one."""

from __future__ import annotations

import fcntl
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.soak.faults.base import ALL
from tests.soak.lab import Lab

WRITERS = ALL - {"predictions"}
"""Every load that needs a byte of disk."""
FIFREEZE, FITHAW = 0xC0045877, 0xC0045878
"""linux/fs.h: the file system answers no write until it is thawed."""
FROZEN_SECONDS, THAWED_SECONDS = 0.4, 0.1
CHUNK = bytes(2**20)


def own(lab: Lab) -> str:
    """Why the lab is not on a file system of its own."""
    return "" if os.path.ismount(lab.state.root.parent) else "needs root, mkfs.ext4 and loop devices"


@contextmanager
def full(lab: Lab) -> Iterator[None]:
    """Fill the disk to the last byte, then remove the filling."""
    filling = lab.state.root.parent / "filling"
    try:
        _fill(filling)
        ended = threading.Event()
        # Files that the lab removes meanwhile give no room.
        again = threading.Thread(target=lambda: _fill_until(ended, filling))
        again.start()
        try:
            yield
        finally:
            ended.set()
            again.join()
    finally:
        filling.unlink(missing_ok=True)


def _fill(file: Path) -> None:
    with suppress(OSError), file.open("ab", buffering=0) as out:
        free = shutil.disk_usage(file.parent).free
        with suppress(OSError):
            os.posix_fallocate(out.fileno(), out.tell(), max(1, free - 2**20))
        out.seek(0, os.SEEK_END)
        for size in (len(CHUNK), 4096, 1):
            with suppress(OSError):
                while out.write(CHUNK[:size]):
                    pass


def _fill_until(ended: threading.Event, file: Path) -> None:
    while not ended.wait(0.2):
        _fill(file)


@contextmanager
def slow(lab: Lab) -> Iterator[None]:
    """Freeze the file system most of the time: a write waits until it is thawed."""
    folder = os.open(lab.state.root.parent, os.O_RDONLY)
    ended = threading.Event()

    def freeze() -> None:
        while not ended.wait(THAWED_SECONDS):
            fcntl.ioctl(folder, FIFREEZE, 0)
            try:
                ended.wait(FROZEN_SECONDS)
            finally:
                fcntl.ioctl(folder, FITHAW, 0)

    freezing = threading.Thread(target=freeze)
    freezing.start()
    try:
        yield
    finally:
        ended.set()
        freezing.join()
        os.close(folder)
