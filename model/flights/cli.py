"""What the command lines of this package share: where they print and how they end.

Anything but a FlightsError is a defect and keeps its traceback.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from flights.errors import FlightsError


def say(text: str) -> None:
    """Print one text to stdout at once, so that a pipeline's log is in order."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def exit_code(main: Callable[[], int]) -> int:
    """Run a command line and give its exit code: 1 with one line on stderr for a FlightsError."""
    try:
        return main()
    except FlightsError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
