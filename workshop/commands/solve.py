"""`workshop solve NN`: do a module for the participant, by the commands of its own text.

The text is the only solution, so no second one can differ from it.
"""

from __future__ import annotations

import argparse

from workshop import output
from workshop.commands.check import show
from workshop.errors import RunFailed
from workshop.guide.module import Command, Module
from workshop.guide.question import Question, beside, plain, plain_answer
from workshop.guide.runner import Ran
from workshop.operations.participation import READ_ONLY_MODULES, Participation, participation
from workshop.participants.target import CommandTarget


def solve(words: argparse.Namespace, target: CommandTarget) -> int:
    """Do what the module needs, then the module; its check shows whether that worked."""
    way = participation(target)
    module = way.module(words.module)
    for each in [*way.missing(module), module]:
        do(way, way.text(each, words.language))
    if words.output == output.JSON:
        output.emit({"module": module.number, "done": True})
    return 0


def do(way: Participation, module: Module, *, again: bool = False) -> None:
    """One module from its start to its check; one that is already done only with `again`.

    Raises RunFailed with the line of the text that failed.
    """
    output.note(f"---> module {module.number}: {module.title}")
    if not again and way.done(module):
        output.note("     done already")
        return
    way.begin(module)
    if module.number in READ_ONLY_MODULES:
        left = [finding for finding in way.findings(module) if not finding.ok]
        if left:
            show(left)
            raise RunFailed(
                f"module {module.number} looks at what the main job makes, and that is not there yet",
                hint="workshop lab makes it, in about two minutes",
            )
    for undone in way.undo(module):
        output.note(f"     {undone}")
    shown = _Shown(module, way.target.name)
    result = way.do(module, before=shown.typed, after=shown.printed)
    if not result.ok:
        raise RunFailed(result.problem, hint=f"workshop start {module.number} takes you to where this began")
    left = [finding for finding in participation(way.target).findings(module) if not finding.ok]
    if left:
        show(left)
        raise RunFailed(f"module {module.number} ran, and its check is not satisfied")


class _Shown:
    """Prints the commands with their output, the questions before them, and the answers after them."""

    def __init__(self, module: Module, where: str) -> None:
        self._asked = beside(module.questions, module.blocks, where)
        self._answered: dict[int, list[Question]] = {}

    def typed(self, command: Command) -> None:
        last, asked = self._asked.get(command.line, (0, []))
        for question in asked:
            self._answered.setdefault(last, []).append(question)
            output.note("     ? " + "\n       ".join(plain(question)))
        output.note("     $ " + command.text.replace("\n", "\n       "))

    def printed(self, ran: Ran) -> None:
        for line in ran.output.splitlines()[-12:]:
            output.note(f"       {line}")
        for question in self._answered.get(ran.line, ()):
            output.note(f"     = {plain_answer(question)}")
