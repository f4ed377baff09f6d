"""The data dictionary: a table of the columns, made from flights/schema.py.

    python -m flights.dictionary         writes DATA.md

A test fails when DATA.md is not what the schema says.
"""

from __future__ import annotations

import sys

from flights.cli import exit_code, say
from flights.paths import home, write_atomic
from flights.schema import COLUMNS, LATE_MINUTES, Column

FILE = "DATA.md"
_USES = {"key": "names the row", "feature": "feature", "leak": "none: a leak", "label": "label"}
_BEFORE = ("key", "feature")
"""Roles of columns whose value is known before departure."""
_HEADER = ("column", "type", "unit", "allowed", "may be missing", "known before departure", "use", "meaning")
_TEXT = f"""\
# The data dictionary

One file is one month. One row is one flight from New York as it was planned, with its plane and the weather of its
hour. The flight is late when it arrives {LATE_MINUTES} or more minutes after its scheduled time.

Times of day are minutes after midnight, local time: `1110` is 18:30. A feature is known before departure. *May be
missing* is the largest share of empty fields that a month may have.
"""
_MADE = "`python -m flights.dictionary` makes this page from `flights/schema.py`.\n"


def text() -> str:
    """DATA.md as Markdown."""
    rows = [_HEADER, ("---",) * len(_HEADER), *map(_row, COLUMNS)]
    table = "".join(f"| {' | '.join(row)} |\n" for row in rows)
    return f"{_TEXT}\n{table}\n{_MADE}"


def _row(column: Column) -> tuple[str, ...]:
    missing = f"{column.max_missing:.0%}" if column.nullable else "no"
    before = "yes" if column.role in _BEFORE else "no"
    allowed = column.allowed.removesuffix(" or nothing").removesuffix(f" {column.unit}")
    return (
        f"`{column.name}`",
        column.kind,
        column.unit,
        allowed,
        missing,
        before,
        _USES[column.role],
        column.description,
    )


def main() -> int:
    """Write the page."""
    write_atomic(home() / FILE, text().encode())
    say(f"wrote {FILE}: {len(COLUMNS)} columns")
    return 0


if __name__ == "__main__":
    sys.exit(exit_code(main))
