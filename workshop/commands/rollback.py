"""`workshop rollback [VERSION|DIGEST]`: production runs an earlier digest again, in seconds and without a pipeline."""

from __future__ import annotations

import argparse

from workshop.operations.delivery import run_delivery_command
from workshop.participants.target import CommandTarget


def rollback(words: argparse.Namespace, target: CommandTarget) -> int:
    """Roll back and print the result. Raises SetupError, RunFailed."""
    asked = ["--because", words.because] if words.because else []
    wanted = [words.wanted] if words.wanted else []
    return run_delivery_command(words, target, "rollback", *wanted, *asked)
