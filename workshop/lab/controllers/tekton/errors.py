"""The error of a run that cannot start or continue."""

from __future__ import annotations


class RunError(Exception):
    """A run cannot start or continue. `reason` and the message become its condition."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
