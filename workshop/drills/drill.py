"""What a drill offers, and its result."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from workshop.cluster.prometheus import Prometheus
from workshop.participants.target import CommandTarget

Note = Callable[[str], None]
"""Prints a line of progress."""


@dataclass(frozen=True)
class Place:
    """The participant for whom a drill runs, with what every drill needs of them."""

    target: CommandTarget
    values: Mapping[str, str]
    """The guide's names and addresses, by variable."""
    env: Mapping[str, str]
    """The environment of the participant's terminal."""
    prometheus: Prometheus


class Drill(Protocol):
    """One failure."""

    @property
    def title(self) -> str:
        """What goes wrong, in a sentence without a full stop."""
        ...

    @property
    def catcher(self) -> str:
        """What catches it: an alert or a Task."""
        ...

    @property
    def look(self) -> str:
        """What to look at while it lasts."""
        ...

    def run(self, place: Place, note: Note, seconds: float) -> str:
        """Inject the failure and wait until it is caught; returns the evidence.

        Raises RunFailed when nothing caught it, TimedOut after `seconds`, SetupError when it cannot be injected.
        """
        ...

    def stop(self, place: Place, note: Note) -> list[str]:
        """Take back what `run` has left, also after an interruption; returns what was done, in words."""
        ...
