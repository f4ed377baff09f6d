"""The one error that a user of this package can do something about."""

from __future__ import annotations


class FlightsError(Exception):
    """Something outside the code is wrong; the text says what, where, what was allowed and what is next."""
