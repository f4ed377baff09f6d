"""The exit of this package's command lines: one line on stderr for an error that a user can fix, else a traceback."""

from __future__ import annotations

from collections.abc import Callable

from delivery import cli
from delivery.cli import say
from delivery.errors import DeliveryError

from flights.errors import FlightsError

__all__ = ["exit_code", "say"]


def exit_code(main: Callable[[], int]) -> int:
    """Run a command line and return its exit code: 1 for a FlightsError or a DeliveryError."""

    def run() -> int:
        try:
            return main()
        except FlightsError as error:
            raise DeliveryError(str(error)) from error

    return cli.exit_code(run)
