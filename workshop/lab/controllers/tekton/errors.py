"""Why a run cannot start or continue."""

from __future__ import annotations


class RunError(Exception):
    """A run cannot start or go on; `reason` and the message become its condition."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
