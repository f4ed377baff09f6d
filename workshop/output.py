"""The one place that prints.

Text for people by default; with `-o json` one JSON object or event a line on standard output. Progress and errors go
to standard error. Colour is off when the output is no terminal or NO_COLOR is set.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

JSON = "json"
SARIF = "sarif"
TEXT = "text"

err = Console(stderr=True, highlight=False, soft_wrap=True)
_out = Console(highlight=False, soft_wrap=True)

_STYLES = {
    "ready": "green",
    "Succeeded": "green",
    "Completed": "green",
    "ok": "green",
    "Available": "green",
    "failed": "red",
    "Failed": "red",
    "missing": "yellow",
    "stopped": "dim",
    "starting": "yellow",
    "Running": "cyan",
    "Creating": "yellow",
}


def say(text: str = "") -> None:
    """A line for people on standard output."""
    _out.print(text, markup=False)


def rich(text: str) -> None:
    """A line for people with markup."""
    _out.print(text)


def note(text: str) -> None:
    """A line about what is going on, on standard error."""
    err.print(text, markup=False)


def emit(value: Any) -> None:
    """One JSON object on a line of standard output."""
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


def fail(text: str) -> None:
    """An error message on standard error: `error:` and the text."""
    first, *rest = text.splitlines() or [""]
    err.print(f"[bold red]error:[/] {_escape(first)}")
    for line in rest:
        err.print(line, markup=False)


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A plain table, coloured by known states."""
    if not _out.is_terminal:
        widths = [max(len(str(c)) for c in column) for column in zip(columns, *rows, strict=True)]
        for row in [columns, *rows]:
            say("   ".join(str(cell).ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
        return
    made = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        made.add_column(column)
    for row in rows:
        made.add_row(*(styled(str(cell)) for cell in row))
    _out.print(made)


def styled(word: str) -> str:
    """A state in its colour, as rich markup."""
    style = _STYLES.get(word)
    return f"[{style}]{_escape(word)}[/]" if style else _escape(word)


def interactive() -> bool:
    """Whether a live display makes sense."""
    return err.is_terminal and not os.environ.get("CI")


def _escape(text: str) -> str:
    return text.replace("[", r"\[")
