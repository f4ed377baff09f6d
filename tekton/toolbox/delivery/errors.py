"""The one error of this package: something outside the code is wrong."""

from __future__ import annotations


class DeliveryError(Exception):
    """What is wrong, where, and what was allowed; `next` is the command to type, if there is one."""

    def __init__(self, message: str, *, next: str = "") -> None:
        super().__init__(message)
        self.message, self.next = message, next

    def __str__(self) -> str:
        return f"{self.message}, next: {self.next}" if self.next else self.message
