"""`workshop check NN`: prove that a module is done, a line a task."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from workshop import output
from workshop.checks import CHECKS, CheckContext, Finding
from workshop.cluster.client import Client
from workshop.errors import EnvironmentFault, RunFailed, UsageError
from workshop.guide.values import values
from workshop.lab.participant import clone_folder
from workshop.lab.report import read, running_pid
from workshop.lab.seed import USER
from workshop.lab.state import State, state


def check(words: argparse.Namespace) -> int:
    """Print the findings; exit 5 when a task is not done."""
    number = words.module.rjust(2, "0")
    if number not in CHECKS:
        raise UsageError(f"no module {words.module!r} has a check", hint=f"these have one: {', '.join(sorted(CHECKS))}")
    findings = _check(state(), number)
    if words.output == output.JSON:
        output.emit({"module": number, "done": all(f.ok for f in findings), "findings": [asdict(f) for f in findings]})
    else:
        for finding in findings:
            mark = "[green]✓[/]" if finding.ok else "[red]✗[/]"
            output.rich(f"{mark} {finding.task}: [dim]{finding.reason.replace('[', chr(92) + '[')}[/]")
            if not finding.ok and finding.hint:
                output.say(f"    {finding.hint}")
    return 0 if all(f.ok for f in findings) else RunFailed.exit_code


def _check(where: State, number: str) -> list[Finding]:
    """Run a module's check against the lab. Raises EnvironmentFault when it does not run."""
    report = read(where)
    if report is None or running_pid(where) is None:
        raise EnvironmentFault("the lab does not run", hint="workshop up starts it")
    context = CheckContext(Client.load(where.kubeconfig), values(USER, report.endpoints), clone_folder(where))
    return CHECKS[number](context)
