"""Which runtime a lab has: the one of `workshop up --runtime`, else that of its last start."""

from __future__ import annotations

import os

from workshop.lab.paths import LabPaths

PROCESS, PODMAN = "process", "podman"
NAMES = (PROCESS, PODMAN)
VARIABLE = "WORKSHOP_RUNTIME"
"""The variable with which `workshop up` passes the name to the lab's process."""


def chosen(paths: LabPaths) -> str:
    """The runtime of the lab's last start."""
    try:
        found = paths.runtime.read_text().strip()
    except OSError:
        return PROCESS
    return found if found in NAMES else PROCESS


def choose(paths: LabPaths) -> str:
    """The runtime of this start, which is kept for the next one. Raises OSError."""
    wanted = os.environ.get(VARIABLE, "")
    name = wanted if wanted in NAMES else chosen(paths)
    paths.runtime.parent.mkdir(parents=True, exist_ok=True)
    paths.runtime.write_text(f"{name}\n")
    return name
