"""Regular expressions that a client writes: Go's, as a cluster reads them.

Python's expressions can take exponential time (`(a+)+$`), and the lab has one event loop for all participants. RE2 is
linear in the length of the text. Source of the syntax: https://github.com/google/re2/wiki/Syntax
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import re2  # type: ignore[import-untyped, unused-ignore]

_OPTIONS = re2.Options()
_OPTIONS.log_errors = False
_OPTIONS.max_mem = 1 << 20


class PatternError(ValueError):
    """A regular expression cannot be read."""


@lru_cache(maxsize=512)
def compiled(pattern: str) -> Any:
    """A compiled expression, with `search` and `fullmatch` as in `re`. Raises PatternError."""
    try:
        return re2.compile(pattern, _OPTIONS)
    except re2.error as e:
        message = e.args[0]
        raise PatternError(message.decode() if isinstance(message, bytes) else str(message)) from e
