"""`workshop shell`: a shell in the participant's clone, with the commands and addresses of the lab or the cluster."""

from __future__ import annotations

import argparse
import os
import shutil

from workshop.commands.place import CLUSTER, LAB, in_lab, participant_env, place
from workshop.errors import EnvironmentFault
from workshop.lab.environment import SHELL_RC
from workshop.lab.participant import clone_folder
from workshop.lab.paths import lab_paths


def shell(words: argparse.Namespace) -> int:
    """Replace this process by the shell, or by the command that was given."""
    where = lab_paths()
    if in_lab(where):
        clone, env = clone_folder(where), participant_env(where) | {"TERM": os.environ.get("TERM", "dumb")}
        if not clone.exists():
            raise EnvironmentFault(f"there is no clone at {clone}", hint="workshop up makes it")
    else:
        on = place(where)
        clone, env = on.clone, on.env
        # A token that a Pod is given lives an hour; a terminal that lives longer asks for it: oc whoami -t.
        env.pop("PROMETHEUS_TOKEN", None)
    command = [w for w in words.command if w != "--"] or _interactive()
    env["WORKSHOP_PLACE"] = LAB if in_lab(where) else CLUSTER
    os.chdir(clone)
    os.execvpe(command[0], command, env)  # noqa: S606 the participant's own shell


def _interactive() -> list[str]:
    bash = shutil.which("bash")
    return [bash, "--rcfile", str(SHELL_RC)] if bash else ["/bin/sh"]
