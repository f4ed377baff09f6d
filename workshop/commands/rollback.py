"""`workshop rollback [VERSION|DIGEST]`: production runs an earlier digest again, in seconds and without a pipeline.

In the lab and on a cluster alike: `python -m delivery`, which the pipeline's Tasks run too, does it in the clone, and
the ConfigMap `mlops-endpoints` says where things are, as it does for the Tasks.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

from workshop import output
from workshop.commands.place import api, clone_here, endpoints, in_lab, participant_env
from workshop.errors import EnvironmentFault, RunFailed
from workshop.lab.participant import clone_folder
from workshop.lab.paths import lab_paths
from workshop.usecase import FOLDER, is_clone


def rollback(words: argparse.Namespace) -> int:
    """Roll back and say to what. Raises EnvironmentFault, RunFailed."""
    asked = ["--because", words.because] if words.because else []
    wanted = [words.wanted] if words.wanted else []
    return run_delivery_command(words, "rollback", *wanted, *asked)


def run_delivery_command(words: argparse.Namespace, command: str, *more: str) -> int:
    """Run a command of `python -m delivery` in the clone and print its output; raises RunFailed with its error."""
    model, env = _place(words.namespace)
    argv = [sys.executable, "-m", "delivery", "--errors", "json", command, *more, "--output", words.output]
    done = subprocess.run(argv, cwd=model, env=env | {"DELIVERY_COMMAND": "workshop"}, capture_output=True, text=True)
    if done.returncode != 0:
        raise _failure(done.stderr.strip() or done.stdout.strip())
    if words.output == output.JSON:
        sys.stdout.write(done.stdout)
    else:
        output.say(done.stdout.rstrip())
    return 0


def _failure(text: str) -> RunFailed:
    """The error of a delivery command: its last line is JSON with `error` and `next`, else a defect's traceback."""
    hint = "workshop history says what was in production"
    try:
        error = json.loads(text.splitlines()[-1])
        return RunFailed(str(error["error"]), hint=str(error["next"]) or hint)
    except (IndexError, ValueError, KeyError, TypeError):
        return RunFailed(text or "the command failed without a word", hint=hint)


def _place(namespace: str) -> tuple[Path, dict[str, str]]:
    """The clone's model folder and the environment to run in: the lab's, or this folder's on a cluster.

    Raises EnvironmentFault.
    """
    where = lab_paths()
    client, namespace = api(where, namespace)
    if in_lab(where):
        model, env = clone_folder(where) / FOLDER, participant_env(where)
    else:
        model, env = clone_here() / FOLDER, dict(os.environ)
    env |= endpoints(client, namespace)
    if not is_clone(model.parent):
        raise EnvironmentFault(f"{model} has no usecase.yaml", hint="git pull in the clone of the workshop")
    return model, env
