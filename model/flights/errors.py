"""The errors of this package.

Exception
 ├── FlightsError          a file, a parameter or a server: what failed, where, what was allowed, the next command
 └── BadInputError         a request: a 4xx with a text that names row and column
"""

from __future__ import annotations


class FlightsError(Exception):
    """A file, a parameter or a server is wrong.

    The text says what failed, where, what was allowed and what comes next.
    """


class BadInputError(ValueError):
    """A mistake of the caller in the form that Seldon's servers expect: a 4xx with a reason and a message."""

    status_code = 400
    reason = "BAD_FEATURES"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
