"""`workshop contest`: try to get a bad model past the gate, and see which rule of the gate is missing.

The model in the clone is judged, in the clone: nothing is registered, deployed or promoted. What got past is kept in
the participant's progress, from which the room's board lists it.
"""

from __future__ import annotations

import argparse
from contextlib import suppress
from typing import Any

from workshop import output
from workshop.cluster.client import ApiFailure
from workshop.operations.delivery import delivery_json
from workshop.participants.progress import entered, remember
from workshop.participants.target import CommandTarget

HIDDEN = "10"
"""The month that judges: no module trains or tests on it."""


def contest(words: argparse.Namespace, target: CommandTarget) -> int:
    """Judge the model in the clone and keep the result. Raises SetupError, RunFailed."""
    found = delivery_json(words, target, "audit", "--periods", HIDDEN)
    names = [spot["name"] for spot in found.get("blind_spots", ())]
    best = names
    with suppress(ApiFailure):
        before = remember(target.client(), words.namespace or target.namespace(), lambda had: entered(had, names))
        best = sorted({*names, *(before.contest.past if before.contest else ())})
    if words.output == output.JSON:
        output.emit({**found, "past": best})
    else:
        _say(found, best)
    return 0


def _say(found: dict[str, Any], past: list[str]) -> None:
    if found["stopped_by"]:
        output.say(f"the gate stops this model: {', '.join(found['stopped_by'])}")
    else:
        output.say(f"the gate lets this model through; {found['rows']:,} hidden rows judge it:")
        for name, value in found["measures"].items():
            output.say(f"  {name:<18} {value:.3f}   the champion's {found['champion'][name]:.3f}")
        for spot in found["blind_spots"]:
            output.say(f"---> it got past: the gate lacks {spot['rule']}")
        if not found["blind_spots"]:
            output.say("---> it is as good as the champion, so nothing got past")
    output.say(f"rules that you have found missing: {', '.join(past) or 'none yet'}")
