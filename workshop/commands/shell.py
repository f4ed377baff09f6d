"""`workshop shell`: a shell in the participant's clone, with the lab's commands and addresses at hand."""

from __future__ import annotations

import argparse
import os
import shutil

from workshop.errors import EnvironmentFault
from workshop.lab import environment
from workshop.lab.participant import clone_folder
from workshop.lab.report import read, running_pid
from workshop.lab.state import State, state


def shell(words: argparse.Namespace) -> int:
    """Replace this process by the shell, or by the command that was given."""
    where = state()
    clone = clone_folder(where)
    if not clone.exists():
        raise EnvironmentFault(f"there is no clone at {clone}", hint="workshop up makes it")
    env = participant_env(where) | {"TERM": os.environ.get("TERM", "dumb")}
    command = [w for w in words.command if w != "--"] or [shutil.which("bash") or "/bin/sh"]
    os.chdir(clone)
    os.execvpe(command[0], command, env)  # noqa: S606 the participant's own shell


def participant_env(where: State) -> dict[str, str]:
    """The environment of the participant's terminals: PATH with the lab's commands, the cluster, MLflow."""
    report = read(where)
    running = report is not None and running_pid(where) is not None
    token = where.token.read_text().strip() if running else ""
    env = environment.participant(where, report.endpoints if report and running else {}, token)
    env["PS1"] = r"(lab) \W \$ "
    return env
