"""A file system of its own for the lab, so that a full or a slow disk is the lab's alone.

It is a file with ext4 in it, mounted in a mount namespace of the soak: no other process sees it, and the kernel removes
it with the last process of the soak. This needs root, loop devices and mkfs.ext4.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SIZE = 6 * 2**30
"""Bytes; the file is sparse."""
INSIDE = "SOAK_MOUNT_NAMESPACE"


def enter_namespace() -> None:
    """Run this program again in a mount namespace of its own, where that is possible."""
    if os.geteuid() == 0 and INSIDE not in os.environ and _possible(["unshare", "--mount", "true"]):
        os.environ[INSIDE] = "yes"
        os.execvp("unshare", ["unshare", "--mount", sys.executable, "-m", "tests.soak", *sys.argv[1:]])


@contextmanager
def volume(folder: Path) -> Iterator[Path]:
    """A mounted file system in `folder`; without root or loop devices a folder of the machine's disk."""
    at, file = folder / "disk", folder / "disk.img"
    at.mkdir(exist_ok=True)
    if INSIDE not in os.environ or shutil.which("mkfs.ext4") is None:
        yield at
        return
    if not file.exists():
        with file.open("wb") as made:
            made.truncate(SIZE)
        subprocess.run(["mkfs.ext4", "-q", "-m", "0", str(file)], check=True)
    mounted = _possible(["mount", "-o", "loop", str(file), str(at)])
    try:
        yield at
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(at)], check=False)


def _possible(command: list[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False
