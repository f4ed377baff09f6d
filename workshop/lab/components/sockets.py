"""Folders for Unix sockets, which only the user of the lab may open."""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from pathlib import Path

LONGEST_PATH = 103
"""Bytes of a Unix socket's path on macOS; Linux allows 107."""


def socket_folder(wanted: Path, longest_name: int) -> Path:
    """`wanted`, if sockets with names of `longest_name` bytes fit below it, else a temporary folder for this user only.

    `wanted` is below the lab's folder, which only its user may open.
    """
    if len(os.fsencode(wanted)) + 1 + longest_name <= LONGEST_PATH:
        return wanted
    mark = hashlib.sha256(os.fsencode(wanted)).hexdigest()[:8]
    short = Path(tempfile.gettempdir()) / f"workshop-{os.geteuid()}-{mark}"
    short.mkdir(mode=0o700, exist_ok=True)
    found = short.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        # If another user has created it first, use a new folder for this start.
        return Path(tempfile.mkdtemp(prefix="workshop-"))
    short.chmod(0o700)
    return short
