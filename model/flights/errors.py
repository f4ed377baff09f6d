"""Two errors: what a user of this package can do something about, and what a caller of the served model can.

Exception
 ├── FlightsError          outside the code: what, where, what was allowed, what is next
 └── BadInputError         a request: a 4xx with a text that names row and column
"""

from __future__ import annotations


class FlightsError(Exception):
    """Something outside the code is wrong; the text says what, where, what was allowed and what is next."""


class BadInputError(ValueError):
    """The caller's mistake, as Seldon's servers look for it: a 4xx with a reason and a message."""

    status_code = 400
    reason = "BAD_FEATURES"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
