"""`workshop drill [NAME]`: inject a failure, wait until an alert or a Task catches it, and take it back with --stop."""

from __future__ import annotations

import argparse
from contextlib import suppress

from workshop import output
from workshop.cluster.client import ApiFailure
from workshop.drills import DRILLS
from workshop.drills.drill import Drill, Place
from workshop.errors import UsageError
from workshop.operations.participation import participation
from workshop.participants.progress import caught
from workshop.participants.target import CommandTarget


def drill(words: argparse.Namespace, target: CommandTarget) -> int:
    """List the drills, run one or take it back. Raises UsageError, SetupError, RunFailed, TimedOut."""
    if not words.name:
        return _list(words)
    found = DRILLS.get(words.name)
    if found is None:
        raise UsageError(f"there is no drill {words.name!r}", hint=f"the drills are {', '.join(DRILLS)}")
    context = participation(target).context
    place = Place(target, context.values, context.env, context.prometheus)
    if words.stop:
        return _stop(words, found, place)
    if words.output == output.TEXT:
        output.say(f"{words.name}: {found.title}")
        output.say(f"look at: {found.look}")
    evidence = found.run(place, output.note, words.timeout)
    with suppress(ApiFailure):
        caught(target.client(), target.namespace(), words.name, f"{found.catcher}: {evidence}")
    if words.output == output.JSON:
        output.emit({"drill": words.name, "caught_by": found.catcher, "evidence": evidence})
    else:
        output.say(f"caught by {found.catcher}: {evidence}")
        output.say(f"next: workshop drill {words.name} --stop")
    return 0


def _list(words: argparse.Namespace) -> int:
    rows = [{"drill": name, "failure": one.title, "caught_by": one.catcher} for name, one in DRILLS.items()]
    if words.output == output.JSON:
        for row in rows:
            output.emit(row)
    else:
        output.table(["DRILL", "FAILURE", "CAUGHT BY"], [list(row.values()) for row in rows])
    return 0


def _stop(words: argparse.Namespace, found: Drill, place: Place) -> int:
    done = found.stop(place, output.note)
    if words.output == output.JSON:
        output.emit({"drill": words.name, "done": done})
    else:
        for line in done or ["nothing was left of this drill"]:
            output.say(line)
    return 0
