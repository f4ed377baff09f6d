"""One fault: quiet load before it, the fault under load, load after it, and then a look at everything acknowledged."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from tests.soak.faults.base import Fault
from tests.soak.lab import Lab
from tests.soak.load import Load
from tests.soak.outcomes import MEBIBYTE, Outcome, total, unexpected

Say = Callable[[str], None]


def meet(name: str, fault: Fault, lab: Lab, load: Load, seconds: float, say: Say) -> Outcome:
    """Make a fault under load and take it back. `seconds` is the time of load before and after it."""
    if reason := fault.needs(lab):
        return Outcome(name, skipped=reason)
    problems: list[str] = []
    load.runs.may_fail = "task runs" in fault.may_fail
    memory, before = lab.memory(), load.count
    load.tallies()
    load.go()
    time.sleep(seconds)
    calm = load.tallies()
    problems += unexpected("before the fault", calm)
    healthy: float | None = None
    taken_back = time.monotonic()
    try:
        with fault.make(lab):
            say("made; it lasts" if fault.lasts else "made")
            time.sleep(fault.lasts)
            taken_back = time.monotonic()
    except Exception as e:
        problems.append(_text(e))
    try:
        lab.until_healthy()
        healthy = time.monotonic() - taken_back
    except Exception as e:
        problems.append(_text(e))
        # The faults that follow need a lab.
        lab.end()
        lab.up()
        lab.until_healthy()
    during = load.tallies()
    problems += unexpected("during the fault", during, fault.may_fail)
    say("load after it")
    time.sleep(seconds)
    after = load.tallies()
    problems += unexpected("after the fault", after)
    load.pause()
    growth, objects = lab.memory() - memory, load.count
    try:
        problems += load.lost()
    except Exception as e:
        problems.append(f"the acknowledged objects cannot be read: {type(e).__name__}: {e}")
    if growth > fault.most_growth:
        problems.append(
            f"memory grew by {growth / MEBIBYTE:.0f} MiB; at most {fault.most_growth / MEBIBYTE:.0f} may be"
        )
    served, failed = total([calm, during, after])
    load_average = os.getloadavg()[0]
    return Outcome(name, served, failed, before, objects, healthy, growth, tuple(problems), load=load_average)


def _text(error: Exception) -> str:
    return str(error) if isinstance(error, AssertionError) else f"{type(error).__name__}: {error}"
