"""`workshop rollback [VERSION|DIGEST]`: production runs an earlier digest again, in seconds and without a pipeline.

In the lab and on a cluster alike: what to do is in the clone's `flights.promotion`, which the pipeline's Tasks run too,
and where things are is in the ConfigMap `mlops-endpoints`, from which the Tasks have it too.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

from workshop import output
from workshop.commands.place import api, clone_here, endpoints, in_lab, participant_env
from workshop.errors import EnvironmentFault, RunFailed
from workshop.lab.participant import clone_folder
from workshop.lab.paths import lab_paths


def rollback(words: argparse.Namespace) -> int:
    """Roll back and say to what. Raises EnvironmentFault, RunFailed."""
    asked = ["--because", words.because] if words.because else []
    wanted = [words.wanted] if words.wanted else []
    return _flights(words, "rollback", *wanted, *asked)


def _flights(words: argparse.Namespace, module: str, *more: str) -> int:
    """Run a module of the clone's `flights.promotion` with this command's output; raises RunFailed with its error."""
    model, env = _place(words.namespace)
    command = [sys.executable, "-m", f"flights.promotion.{module}", *more, "--output", words.output]
    done = subprocess.run(command, cwd=model, env=env, capture_output=True, text=True)
    if done.returncode != 0:
        told = done.stderr.strip().removeprefix("error: ") or done.stdout.strip()
        text, _, hint = told.rpartition(", next: ")
        raise RunFailed(text or told, hint=hint if text else "workshop history says what was in production")
    if words.output == output.JSON:
        sys.stdout.write(done.stdout)
    else:
        output.say(done.stdout.rstrip())
    return 0


def _place(namespace: str) -> tuple[Path, dict[str, str]]:
    """The clone's model folder and the environment to run in: the lab's, or this folder's on a cluster.

    Raises EnvironmentFault.
    """
    where = lab_paths()
    client, namespace = api(where, namespace)
    if in_lab(where):
        model, env = clone_folder(where) / "model", participant_env(where)
    else:
        model, env = clone_here() / "model", dict(os.environ)
    env |= endpoints(client, namespace)
    if not (model / "flights" / "promotion").is_dir():
        raise EnvironmentFault(f"{model} has no flights/promotion", hint="git pull in the clone of the workshop")
    return model, env
