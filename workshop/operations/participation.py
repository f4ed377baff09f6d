"""A participant's progress through the modules: which are done, what a module needs, how it is done or undone.

Progress is read from objects, Git, MLflow, DVC and answers, so participants can stop, continue and skip. For each
module a check says whether it is done, its text does it, and a reset undoes it.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from workshop.checks import CHECKS, RESETS, CheckContext, Finding
from workshop.cluster.client import ApiFailure, Client
from workshop.errors import UsageError
from workshop.guide.module import Command, Module, load_all
from workshop.guide.runner import Ran, Result, run_module
from workshop.guide.translations import in_language
from workshop.languages.catalog import languages
from workshop.participants.progress import Change, Progress, checked, here, remember
from workshop.participants.target import CommandTarget

MODULES = Path(__file__).resolve().parents[1] / "modules"
READ_ONLY_MODULES = ("01",)
"""Module 1 only looks at what `make lab` made, so its check holds from the start."""


@dataclass(frozen=True)
class Participation:
    """One participant, in the lab or on a cluster. Made anew for each command, because addresses change as parts start.

    `on` is `lab` or `cluster`: which of the text's marked commands run.
    """

    target: CommandTarget
    client: Client
    context: CheckContext
    modules: dict[str, Module]

    def module(self, number: str) -> Module:
        """A module by its number, with or without the leading zero. Raises UsageError."""
        found = self.modules.get(number.rjust(2, "0"))
        if found is None:
            raise UsageError(f"there is no module {number!r}", hint=f"the modules are {', '.join(self.modules)}")
        return found

    def text(self, module: Module, language: str) -> Module:
        """The module in a language, whose commands are the same; English if it is not translated. Raises UsageError."""
        if language not in languages():
            raise UsageError(f"there is no language {language!r}", hint=f"the languages are {', '.join(languages())}")
        return in_language(module, language).module

    def findings(self, module: Module, *, asked: bool = False) -> list[Finding]:
        """What the module's check finds. `asked` says whether the participant asked for the check.

        The result is also written to their progress. A server that refuses that does not make the check fail.
        """
        found = CHECKS[module.number](self.context)
        self._remember(lambda before: checked(before, module.number, found, asked=asked))
        return found

    def begin(self, module: Module) -> None:
        """Write to the progress that the participant works on a module now."""
        self._remember(lambda before: here(before, module.number))

    def _remember(self, change: Callable[[Progress], Change]) -> None:
        with suppress(ApiFailure):
            remember(self.client, self.context.namespace("dev"), change)

    def done(self, module: Module) -> bool:
        """Whether every task is done."""
        return all(finding.ok for finding in self.findings(module))

    def needed(self, module: Module) -> list[Module]:
        """The modules that this one builds on, directly or not, in their order."""
        numbers: set[str] = set()
        open_ = list(module.needs)
        while open_:
            number = open_.pop()
            if number not in numbers:
                numbers.add(number)
                open_ += self.modules[number].needs
        return [self.modules[number] for number in sorted(numbers)]

    def missing(self, module: Module) -> list[Module]:
        """Modules that are needed and not done."""
        return [each for each in self.needed(module) if not self.done(each)]

    def undo(self, module: Module) -> list[str]:
        """Undo a module for the participant; returns what was undone, in words."""
        return RESETS[module.number](self.context, self.client)

    def do(
        self,
        module: Module,
        before: Callable[[Command], None] = lambda _: None,
        after: Callable[[Ran], None] = lambda _: None,
    ) -> Result:
        """Do a module by the commands of its own text, in the participant's terminal."""
        env = dict(self.context.env) | {"TERM": "dumb"}
        return run_module(module.path, env, self.context.clone, where=self.target.name, before=before, after=after)


def participation(target: CommandTarget) -> Participation:
    """The participation of the participant who works in this target. Raises SetupError."""
    known = target.variables()
    client = target.client()
    context = CheckContext(client, known, target.clone(), target.env(), target.name)
    return Participation(target, client, context, {module.number: module for module in load_all(MODULES)})
