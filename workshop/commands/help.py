"""`workshop help`: ask the instructor for help, or take it back."""

from __future__ import annotations

import argparse

from workshop import output
from workshop.errors import UsageError
from workshop.guide.module import load_all
from workshop.operations.participation import MODULES
from workshop.participants.progress import LONGEST, asks_for_help, needs_no_help, remember
from workshop.participants.target import CommandTarget


def help(words: argparse.Namespace, target: CommandTarget) -> int:
    """Write the request to the participant's progress."""
    if len(words.message) > LONGEST:
        raise UsageError(f"the message has {len(words.message)} characters; allowed are {LONGEST}")
    number = words.module.rjust(2, "0") if words.module else ""
    known = [module.number for module in load_all(MODULES)]
    if number and number not in known:
        raise UsageError(f"there is no module {words.module!r}", hint=f"the modules are {', '.join(known)}")
    client, namespace = target.client(), target.namespace("dev")
    if words.done:
        before = remember(client, namespace, needs_no_help)
        text = "your request for help is taken back" if before.help else "there was no request for help"
    else:
        remember(
            client,
            namespace,
            lambda before: asks_for_help(before, number or (before.here.module if before.here else ""), words.message),
        )
        text = "the instructor's board shows that you ask for help; workshop help --done takes it back"
    if words.output == output.JSON:
        output.emit({"asked": not words.done})
    else:
        output.say(text)
    return 0
