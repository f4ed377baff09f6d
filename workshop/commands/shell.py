"""`workshop shell`: a shell in the participant's clone, with the commands and addresses of the lab or the cluster."""

from __future__ import annotations

import argparse
import os
import shutil

from workshop.lab.process_environment import SHELL_RC
from workshop.lab.target import current_target
from workshop.participants.target import CLUSTER


def shell(words: argparse.Namespace) -> int:
    """Replace this process by the shell, or by the given command. Raises SetupError."""
    target = current_target()
    clone, env = target.clone(), target.env()
    env.setdefault("TERM", os.environ.get("TERM", "dumb"))
    if target.name == CLUSTER:
        # A Pod's token expires after an hour; a longer session gets a new one with: oc whoami -t.
        env.pop("PROMETHEUS_TOKEN", None)
    env["WORKSHOP_PLACE"] = target.name
    command = [w for w in words.command if w != "--"] or _interactive()
    os.chdir(clone)
    os.execvpe(command[0], command, env)  # noqa: S606 the participant's own shell


def _interactive() -> list[str]:
    bash = shutil.which("bash")
    return [bash, "--rcfile", str(SHELL_RC)] if bash else ["/bin/sh"]
