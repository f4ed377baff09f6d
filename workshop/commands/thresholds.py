"""`workshop thresholds`: what each threshold of the champion would cost, and what the gate would say."""

from __future__ import annotations

import argparse

from workshop.operations.delivery import run_delivery_command
from workshop.participants.target import CommandTarget


def thresholds(words: argparse.Namespace, target: CommandTarget) -> int:
    """Print the table. Raises SetupError, RunFailed."""
    costs = ("--missed", str(words.missed), "--false-alarm", str(words.false_alarm))
    return run_delivery_command(words, target, "thresholds", *costs)
