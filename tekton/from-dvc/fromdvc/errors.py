"""The errors that end the command with a message, and their exit codes."""

from __future__ import annotations

USAGE = 2
REJECTED = 4
"""The dvc.yaml cannot be converted, or the generated file is stale."""


class FromDvcError(Exception):
    """What failed and where, what was allowed, and what to do next. `message` and `hint` are whole sentences."""

    exit_code = REJECTED

    def __init__(self, message: str, *, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  {self.hint}"


class WrongUsage(FromDvcError):
    """The command line cannot be understood."""

    exit_code = USAGE
