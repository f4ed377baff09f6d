"""`workshop tour`: do all modules as a participant, and print the time of each.

For each module: its start, a check that must fail, the commands of the text, a check that must pass. A tour that ended
early continues with `--go-on`.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

from workshop import output
from workshop.commands.solve import do
from workshop.errors import RunFailed
from workshop.guide.module import Module
from workshop.operations.participation import READ_ONLY_MODULES, Participation, participation
from workshop.participants.target import CommandTarget


def tour(words: argparse.Namespace, target: CommandTarget) -> int:
    """Do the modules; exit 5 at the first that fails, after printing the times of those before."""
    way = participation(target)
    chosen = [way.module(number) for number in words.modules] or list(way.modules.values())
    wanted = [way.text(module, words.language) for module in chosen]
    done = [module for module in wanted if module.number not in READ_ONLY_MODULES and way.done(module)]
    if words.go_on:
        wanted = [module for module in wanted if module not in done]
    elif done and not words.yes:
        raise RunFailed(
            f"done already: {', '.join(module.number for module in done)}; a tour begins before them",
            hint="workshop tour --go-on walks the others; workshop tour --yes takes these back first, and keeps what "
            "was made under other names",
        )
    _take_back(way, wanted)
    took: list[tuple[Module, float]] = []
    try:
        for module in wanted:
            began = time.monotonic()
            _walk(target, module)
            took.append((module, time.monotonic() - began))
            if words.output == output.JSON:
                output.emit({"module": module.number, "seconds": round(took[-1][1], 1), "minutes": module.minutes})
            else:
                output.note(f"     {took[-1][1]:.0f} s")
    finally:
        if words.output != output.JSON:
            _print_times(took)
    return 0


def _take_back(way: Participation, wanted: Sequence[Module]) -> None:
    """Undo the modules, the last one first, because each builds on those before it."""
    for module in reversed(wanted):
        for undone in way.undo(module):
            output.note(f"before module {module.number}: {undone}")


def _walk(target: CommandTarget, module: Module) -> None:
    """One module, from its start to its check. Raises RunFailed."""
    way = participation(target)
    if missing := way.missing(module):
        raise RunFailed(
            f"module {module.number} needs {', '.join(each.number for each in missing)}, which is not done",
            hint=f"workshop start {module.number} does it for you",
        )
    if module.number not in READ_ONLY_MODULES and way.done(module):
        raise RunFailed(f"the check of module {module.number} is satisfied before anything was done")
    do(way, module, again=True)


def _print_times(took: Sequence[tuple[Module, float]]) -> None:
    for module, seconds in took:
        output.say(f"{module.number} {module.title + ':':<44} {seconds:4.0f} s, {module.minutes} min to read and do")
    minutes, total = sum(module.minutes for module, _ in took), sum(seconds for _, seconds in took)
    output.say(f"{len(took)} modules in {total:.0f} s; a participant needs about {minutes} min for them")
