"""`workshop tour`: walk all modules as a participant would, and report the time of each.

For each: its start, a check that must not be satisfied yet, the commands of the text, a check that must be.
"""

from __future__ import annotations

import argparse
import time

from workshop import output
from workshop.commands.journey import journey
from workshop.commands.solve import do
from workshop.errors import RunFailed
from workshop.lab.state import state

LOOKS_ONLY = ("01",)
"""Module 1 walks along what `make lab` has made, so its check holds from the start."""


def tour(words: argparse.Namespace) -> int:
    """Walk; exit 5 at the first module that does not hold what it says."""
    way = journey(state())
    wanted = [way.module(number) for number in words.modules] or list(way.modules.values())
    if not words.yes and any(way.done(module) for module in wanted if module.number not in LOOKS_ONLY):
        raise RunFailed(
            "modules are done already, and the tour begins at their start",
            hint="workshop tour --yes takes them back, and keeps what was made under other names",
        )
    for module in reversed(wanted):
        way.undo(module)
    total = 0.0
    for module in wanted:
        began = time.monotonic()
        way = journey(state())
        if module.number not in LOOKS_ONLY and way.done(module):
            raise RunFailed(f"the check of module {module.number} is satisfied before anything was done")
        do(way, module)
        took = time.monotonic() - began
        total += took
        if words.output == output.JSON:
            output.emit({"module": module.number, "seconds": round(took, 1), "minutes": module.minutes})
        else:
            output.say(f"{module.number} {module.title}: {took:.0f} s")
    if words.output != output.JSON:
        output.say(f"{len(wanted)} modules in {total:.0f} s")
    return 0
