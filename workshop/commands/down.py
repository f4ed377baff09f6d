"""`workshop down`: stop the lab; its state is kept."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import time

from workshop import output
from workshop.errors import TimedOut
from workshop.lab.paths import LabPaths, lab_paths
from workshop.lab.report import running_pid
from workshop.lab.room import refuse_participants

GRACE_SECONDS = 40.0


def down(words: argparse.Namespace) -> int:
    """Stop the lab and print the result."""
    where = lab_paths()
    refuse_participants(where, "down")
    stopped = stop_lab(where)
    if words.output == output.JSON:
        output.emit({"running": False, "was_running": stopped})
    else:
        output.say("the lab has stopped; workshop up brings it back as it was" if stopped else "no lab runs")
    return 0


def stop_lab(where: LabPaths) -> bool:
    """Stop the lab and wait for it; False if none ran. Raises TimedOut after killing a lab that does not stop."""
    pid = running_pid(where)
    if pid is None or pid <= 0:
        return False
    _signal(pid, signal.SIGTERM)
    deadline = time.monotonic() + GRACE_SECONDS
    while time.monotonic() < deadline:
        if running_pid(where) != pid:
            return True
        time.sleep(0.05)
    # The launcher notices the end of the supervisor and kills everything that it started.
    _signal(pid, signal.SIGKILL)
    raise TimedOut(
        f"the lab did not stop within {GRACE_SECONDS:.0f} s and was killed",
        hint="workshop logs shows what it waited for; nothing that was accepted is lost",
    )


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
