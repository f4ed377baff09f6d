"""A clock that jumps. libfaketime moves the supervisor's clock; the machine's own clock belongs to everybody on it.

A time namespace would not do: it moves the monotonic clock and not the calendar's (time_namespaces(7)). The lab's
children have the true time, so they see their supervisor jump.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from tests.soak.lab import Lab

LIBRARIES = "lib*/*/faketime/libfaketimeMT.so.1"


def faketime(lab: Lab) -> str:
    """Why the clock cannot jump here."""
    return "" if _library() else "libfaketime is not installed; on Debian and Ubuntu: apt-get install libfaketime"


def jump(by: str) -> Callable[[Lab], AbstractContextManager[None]]:
    """Start the lab with a clock that can be moved; then move it `by` an offset of libfaketime, and back at the end."""

    @contextmanager
    def jumped(lab: Lab) -> Iterator[None]:
        lab.down()
        with tempfile.TemporaryDirectory() as folder:
            clock = Path(folder) / "clock"
            clock.write_text("+0\n")
            env = {
                "LD_PRELOAD": str(_library()),
                "FAKETIME_TIMESTAMP_FILE": str(clock),
                "FAKETIME_NO_CACHE": "1",
                "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            }
            lab.up(env)
            lab.until_healthy()
            clock.write_text(f"{by}\n")
            yield
            assert not (why := lab.unhealthy()), f"with the clock at {by}: {why}"
            clock.write_text("+0\n")
            lab.until_healthy()
            lab.down()
        lab.up()

    return jumped


def _library() -> Path | None:
    return next(iter(sorted(Path("/usr").glob(LIBRARIES))), None)
