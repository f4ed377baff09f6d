"""What the commands share: where they print, how they end, and what the next command is called.

DELIVERY_COMMAND is how a person types `history`, `promote` and `rollback` here. The workshop sets it to `workshop`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

from delivery.errors import DeliveryError

RESULTS_BYTES = 4_096 - 256
"""Of all results of a step. Tekton's own entries, such as the start, need the rest."""


def say(text: str) -> None:
    """Print one text to stdout at once, so that a pipeline's log is in order."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def command(verb: str) -> str:
    """How `history`, `promote` or `rollback` is typed: after DELIVERY_COMMAND, else after `python -m delivery`."""
    known = os.environ.get("DELIVERY_COMMAND")
    return f"{known} {verb}" if known else f"python -m delivery {'request ' if verb == 'promote' else ''}{verb}"


def exit_code(main: Callable[[], int], errors: str = "text") -> int:
    """Run a command and return its exit code: 1 for a DeliveryError, with its text on stderr.

    `errors` is `text` (one line) or `json` (one object with `error` and `next`).
    """
    try:
        return main()
    except DeliveryError as error:
        message = json.dumps({"error": error.message, "next": error.next}) if errors == "json" else f"error: {error}"
        sys.stderr.write(f"{message}\n")
        return 1


def add_output(parser: argparse.ArgumentParser) -> None:
    """The option that chooses text or JSON."""
    parser.add_argument("-o", "--output", choices=["text", "json"], default="text")


def add_results(parser: argparse.ArgumentParser, names: str) -> None:
    """The option for the results of a Task: one file for each."""
    parser.add_argument("--results", type=Path, default=None, metavar="DIR", help=f"write {names} into files of DIR")


def write_results(folder: Path | None, results: dict[str, str]) -> None:
    """Write one file for each result; nothing without a folder.

    DeliveryError for more than Tekton takes: a step writes its results as JSON into the termination message of its
    container, which Kubernetes limits to 4,096 bytes (tekton.dev/docs/pipelines/tasks, "Larger Results").
    """
    if folder is None:
        return
    sizes = {
        name: len(json.dumps({"key": name, "value": value, "type": 1}).encode()) for name, value in results.items()
    }
    if sum(sizes.values()) > RESULTS_BYTES:
        largest = max(sizes, key=lambda name: sizes[name])
        raise DeliveryError(
            f"the results have {sum(sizes.values()):,} bytes, allowed: {RESULTS_BYTES:,}; "
            f"the largest is {largest} with {sizes[largest]:,}",
            next="use fewer or larger files; on a cluster an administrator can set results-from to sidecar-logs",
        )
    for name, value in results.items():
        (folder / name).write_text(value, encoding="utf-8")
