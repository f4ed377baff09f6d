"""`workshop replay`: play real months through production, faster than they happened, and say which alert fired when."""

from __future__ import annotations

import argparse

from workshop.operations.delivery import follow_delivery_command
from workshop.participants.target import CommandTarget


def replay(words: argparse.Namespace, target: CommandTarget) -> int:
    """Play, with progress, then print which alert fired when. Raises SetupError, RunFailed."""
    options = {"period": words.months, "speed": words.speed, "share": words.share, "seed": words.seed}
    return follow_delivery_command(words, target, "replay", *(f"--{name}={value}" for name, value in options.items()))
