"""`workshop start NN`: go from any state to the start of a module, and first print what that changes."""

from __future__ import annotations

import argparse
import sys

from workshop import output
from workshop.commands.solve import do
from workshop.errors import UsageError
from workshop.guide.module import Module
from workshop.operations.participation import Participation, participation
from workshop.participants.target import CommandTarget


def start(words: argparse.Namespace, target: CommandTarget) -> int:
    """Print what will change, ask, do what is missing, undo what is too far."""
    way = participation(target)
    module = way.module(words.module)
    missing = way.missing(module)
    for each in missing:
        output.note(f"module {each.number} is not done: this does it for you, in about {each.minutes * 6} s")
    if way.done(module):
        output.note(f"module {module.number} is done: this takes it back, and keeps what you made under another name")
    if not words.yes and (missing or way.done(module)):
        _ask(module)
    _start(way, module, missing)
    way.begin(module)
    if words.output == output.JSON:
        output.emit({"module": module.number, "solved": [each.number for each in missing]})
    else:
        output.say(f"module {module.number}, {module.title}: you are at its start")
    return 0


def _start(way: Participation, module: Module, missing: list[Module]) -> None:
    for each in missing:
        do(way, each)
    for undone in way.undo(module):
        output.note(f"  {undone}")


def _ask(module: Module) -> None:
    if not sys.stdin.isatty():
        raise UsageError(
            f"start {module.number} changes what is named above", hint=f"workshop start {module.number} --yes does it"
        )
    output.note("type yes to go on:")
    if input().strip() != "yes":
        raise UsageError("nothing was changed")
