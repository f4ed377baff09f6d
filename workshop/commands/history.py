"""`workshop history`: what was in production when, what brought it and why it left."""

from __future__ import annotations

import argparse

from workshop.commands.rollback import run_delivery_command


def history(words: argparse.Namespace) -> int:
    """Print the history, newest first. Raises EnvironmentFault, RunFailed."""
    return run_delivery_command(words, "history")
