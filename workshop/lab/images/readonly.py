"""A folder that a process can read and not write, by a private mount namespace: for `preexec_fn` of subprocess.

It protects against programs that write to the folder's path by mistake. It is no isolation: the process may have other
paths to the same files.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from workshop.lab.runtimes.process.launcher_process import MS_PRIVATE, MS_REC, bind_mount, mount, unshare


def protect(folder: Path) -> None:
    """Mount a folder read-only for this process and its children. Raises an error where that is not allowed."""
    unshare()
    mount("none", "/", None, MS_REC | MS_PRIVATE, "/ private")
    bind_mount(str(folder), str(folder), read_only=True)


def can_protect(folder: Path) -> bool:
    """Whether `protect` works here. WORKSHOP_NAMESPACES=off says no, so that both ways can be tested."""
    if sys.platform != "linux" or os.environ.get("WORKSHOP_NAMESPACES") == "off":
        return False
    try:
        command = ["/bin/sh", "-c", '! test -w "$1"', "-", str(folder)]
        return subprocess.run(command, preexec_fn=lambda: protect(folder), check=False).returncode == 0
    except subprocess.SubprocessError:
        return False
