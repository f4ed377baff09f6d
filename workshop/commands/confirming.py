"""Ask before something is deleted."""

from __future__ import annotations

import sys

from workshop import output
from workshop.errors import UsageError


def confirmed(what: str, command: str) -> bool:
    """Ask on the terminal whether to do `what`. Without a terminal raises UsageError: `command` does not ask."""
    if not sys.stdin.isatty():
        raise UsageError(what, hint=f"{command} does it without asking")
    output.note(what)
    if input("type yes to go on: ").strip() == "yes":
        return True
    output.note("nothing was deleted")
    return False
