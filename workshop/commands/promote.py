"""`workshop promote`: ask production for what staging runs, as the push of a tag v* does."""

from __future__ import annotations

import argparse

from delivery.asking import PROMOTE

from workshop import output
from workshop.operations.asking import asked
from workshop.participants.target import CommandTarget


def promote(words: argparse.Namespace, target: CommandTarget) -> int:
    """Ask, and say which run waits for an approval. Raises SetupError, RunFailed."""
    run = asked(target.client(), words.namespace or target.namespace(), PROMOTE, usecase=words.usecase)
    if words.output == output.JSON:
        output.emit(run)
        return 0
    name, namespace = run["metadata"]["name"], run["metadata"]["namespace"]
    output.say(f"{name} in {namespace} verifies what staging runs; then it needs an approval")
    output.say(f"  next: workshop approve --timeout 120, then workshop follow {name}")
    return 0
