"""`workshop history`: what was in production, when, what brought it and why it was replaced; and delivery measures."""

from __future__ import annotations

import argparse

from workshop.operations.delivery import run_delivery_command
from workshop.participants.target import CommandTarget


def history(words: argparse.Namespace, target: CommandTarget) -> int:
    """Print the history, newest first. Raises SetupError, RunFailed."""
    return run_delivery_command(words, target, "history", *(["--measures"] if words.measures else []))
