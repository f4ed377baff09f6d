"""Months as the command lines and params.yaml write them: `7`, `1-6`, `1-3,8`, or a list of numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from flights.errors import FlightsError

YEAR = 2013
_FILE = re.compile(rf"flights-{YEAR}-(\d\d)\.csv")


def parse(text: str | int | Sequence[int]) -> tuple[int, ...]:
    """Months 1 to 12 in the order given. Raises FlightsError for anything else."""
    if isinstance(text, Sequence) and not isinstance(text, str):
        return tuple(month for item in text for month in parse(item))
    months: list[int] = []
    for part in str(text).split(","):
        match = re.fullmatch(r"\s*(\d{1,2})(?:\s*-\s*(\d{1,2}))?\s*", part)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
        if not 1 <= first <= last <= 12:
            raise FlightsError(f"months: got {str(text)!r}, allowed: 1 to 12 written as 7, 1-6 or 1-3,8")
        months.extend(range(first, last + 1))
    return tuple(months)


def file_name(month: int) -> str:
    """The name of a month's file, flights-2013-07.csv."""
    return f"flights-{YEAR}-{month:02d}.csv"


def month_of(path: Path) -> int | None:
    """The month in a file's name, or None when it is not a monthly file."""
    match = _FILE.fullmatch(path.name)
    return int(match[1]) if match and 1 <= int(match[1]) <= 12 else None
