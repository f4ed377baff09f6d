"""`workshop check [NN]`: check a module and print a line for each task.

Without a number it lists which modules are done.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict

from workshop import output
from workshop.checks import CHECKS, Finding
from workshop.errors import RunFailed, UsageError
from workshop.operations.participation import participation
from workshop.participants.target import CommandTarget


def check(words: argparse.Namespace, target: CommandTarget) -> int:
    """Print the findings; exit 5 if a task is not done."""
    if not words.module:
        return _every(target, words.output == output.JSON)
    number = words.module.rjust(2, "0")
    if number not in CHECKS:
        raise UsageError(f"no module {words.module!r} has a check", hint=f"these have one: {', '.join(sorted(CHECKS))}")
    way = participation(target)
    findings = way.findings(way.module(number), asked=True)
    if words.output == output.JSON:
        output.emit({"module": number, "done": all(f.ok for f in findings), "findings": [asdict(f) for f in findings]})
    else:
        show(findings)
    return 0 if all(f.ok for f in findings) else RunFailed.exit_code


def show(findings: Sequence[Finding]) -> None:
    """One line for each task, and the next command for a task that is not done."""
    for finding in findings:
        mark = "[green]✓[/]" if finding.ok else "[red]✗[/]"
        output.rich(f"{mark} {finding.task}: [dim]{_plain(finding.reason)}[/]")
        if not finding.ok and finding.hint:
            output.say(f"    {finding.hint}")


def _every(target: CommandTarget, as_json: bool) -> int:
    way = participation(target)
    for module in way.modules.values():
        findings = way.findings(module)
        left = sum(not finding.ok for finding in findings)
        if as_json:
            output.emit({"module": module.number, "done": not left, "left": left, "tasks": len(findings)})
        else:
            mark = "[green]✓[/]" if not left else "[dim]·[/]"
            word = "" if not left else f" [dim]{left} of {len(findings)} left[/]"
            output.rich(f"{mark} {module.number} {_plain(module.title)}{word}")
    return 0


def _plain(text: str) -> str:
    return text.replace("[", "\\[")
