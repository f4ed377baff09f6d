"""Runs commands of `python -m delivery` in the clone, as the pipeline's Tasks do.

The addresses are those of Tasks, from the ConfigMap `mlops-endpoints`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from workshop import output
from workshop.errors import RunFailed, SetupError
from workshop.participants.cluster import task_addresses
from workshop.participants.target import LAB, CommandTarget
from workshop.usecase import FILE, is_clone


def run_delivery_command(words: argparse.Namespace, target: CommandTarget, command: str, *more: str) -> int:
    """Run a command of `python -m delivery` in the clone and print its output; raises RunFailed with its error."""
    printed = _printed(words, target, command, *more, "--output", words.output)
    if words.output == output.JSON:
        sys.stdout.write(printed)
    else:
        output.say(printed.rstrip())
    return 0


def delivery_json(words: argparse.Namespace, target: CommandTarget, command: str, *more: str) -> dict[str, Any]:
    """The JSON that a command of `python -m delivery` prints in the clone as its last line.

    Raises RunFailed with its error.
    """
    printed = _printed(words, target, command, *more, "--output", output.JSON)
    found: dict[str, Any] = json.loads(printed.splitlines()[-1])
    return found


def _printed(words: argparse.Namespace, target: CommandTarget, command: str, *more: str) -> str:
    argv, model, env = _command(words, target, command, *more)
    done = subprocess.run(argv, cwd=model, env=env, capture_output=True, text=True)
    if done.returncode != 0:
        raise _failure(done.stderr.strip() or done.stdout.strip())
    return done.stdout


def follow_delivery_command(words: argparse.Namespace, target: CommandTarget, command: str, *more: str) -> int:
    """The same for a command that takes minutes: each line is printed as it comes. Ctrl-C reaches the command alone.

    Its exit code is returned where it printed no error.
    """
    argv, model, env = _command(words, target, command, *more, "--output", words.output)
    running = subprocess.Popen(argv, cwd=model, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert running.stdout is not None and running.stderr is not None
    with running:
        # The terminal sends Ctrl-C to both processes; the command ends by itself and prints what it has.
        for line in _lines(running.stdout):
            sys.stdout.write(line)
            sys.stdout.flush()
        errors = running.stderr.read().strip()
    if running.returncode != 0 and errors:
        raise _failure(errors)
    return running.returncode


def _lines(stream: IO[str]) -> Iterator[str]:
    while True:
        try:
            line = stream.readline()
        except KeyboardInterrupt:
            continue
        if not line:
            return
        yield line


def _command(
    words: argparse.Namespace, target: CommandTarget, command: str, *more: str
) -> tuple[list[str], Path, dict[str, str]]:
    """The command line, its folder and its environment. Raises SetupError."""
    clone = target.clone()
    model = clone / words.usecase
    namespace = words.namespace or target.namespace()
    base = target.env() if target.name == LAB else dict(os.environ)
    env = base | task_addresses(target.client(), namespace)
    if not is_clone(clone) or not (model / FILE).is_file():
        raise SetupError(f"{model} has no usecase.yaml", hint="git pull in the clone of the workshop")
    argv = [sys.executable, "-m", "delivery", "--errors", "json", command, *more]
    return argv, model, env | {"DELIVERY_COMMAND": "workshop"}


def _failure(text: str) -> RunFailed:
    """The error of a delivery command: its last line is JSON with `error` and `next`, else a defect's traceback."""
    hint = "workshop history says what was in production"
    try:
        error = json.loads(text.splitlines()[-1])
        return RunFailed(str(error["error"]), hint=str(error["next"]) or hint)
    except (IndexError, ValueError, KeyError, TypeError):
        return RunFailed(text or "the command failed without a word", hint=hint)
