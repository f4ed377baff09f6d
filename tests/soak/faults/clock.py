"""A clock that jumps: that of the supervisor. The machine's own clock belongs to everybody on it.

A time namespace would not do: it moves the monotonic clock and not the calendar's (time_namespaces(7)). libfaketime
0.9.10, which Debian 12 has, breaks Python's time.sleep. So `shift.c` is compiled and loaded into the supervisor; its
children have the true time, and see their supervisor jump.
"""

from __future__ import annotations

import shutil
import struct
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from tests.soak.lab import Lab

SOURCE = Path(__file__).with_name("shift.c")
HOUR, DAY = 3600, 86400


def compiler(lab: Lab) -> str:
    """Why the clock cannot jump here."""
    return "" if shutil.which("cc") else "needs a C compiler; on Debian and Ubuntu: apt-get install gcc libc6-dev"


def jump(seconds: int) -> Callable[[Lab], AbstractContextManager[None]]:
    """Start the lab with a clock that can be moved, move it by `seconds`, and back at the end."""

    @contextmanager
    def jumped(lab: Lab) -> Iterator[None]:
        with tempfile.TemporaryDirectory() as folder:
            library, clock = Path(folder) / "shift.so", Path(folder) / "clock"
            subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-o", library, SOURCE, "-ldl"], check=True)
            clock.write_bytes(struct.pack("l", 0))
            lab.down()
            lab.up({"LD_PRELOAD": str(library), "SOAK_CLOCK": str(clock)})
            lab.until_healthy()
            _set(clock, seconds)
            yield
            assert not (why := lab.unhealthy()), f"with the clock {seconds} s away: {why}"
            _set(clock, 0)
            lab.until_healthy()
            lab.down()
        lab.up()

    return jumped


def _set(clock: Path, seconds: int) -> None:
    """Write in place: the supervisor has the file mapped."""
    with clock.open("r+b") as file:
        file.write(struct.pack("l", seconds))
