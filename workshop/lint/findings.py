"""What the linter finds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from workshop.lint.rules import RULES, Severity
from workshop.manifests.places import Path


@dataclass(frozen=True)
class Found:
    """A finding in an object: the field, and the text in its value that shows where."""

    rule: str
    path: Path
    message: str
    text: str = ""
    severity: Severity | None = None
    """Instead of that of the rule."""


Finds = Iterator[Found]


@dataclass(frozen=True, order=True)
class Finding:
    """A finding in a file. `reason` says why it is ignored; empty for one that counts."""

    file: str
    line: int
    column: int
    rule: str
    message: str
    severity: Severity
    reason: str = ""

    @property
    def advice(self) -> str:
        """What to do."""
        return RULES[self.rule].advice
