"""Check the data file before training, and report every fault with file, line, column, value and what is allowed."""

from __future__ import annotations

import csv
from collections.abc import Iterator

from delivery.tabular.contract import Contract

FEWEST = 50
"""Rows below which no model can be tested."""


def findings(contract: Contract) -> Iterator[str]:
    """All faults of the file in the order of its lines. A file that cannot be read is one of them."""
    file, names = contract.data, list(contract.names)
    rows = 0
    try:
        with file.open(encoding="utf-8", newline="") as text:
            reader = csv.reader(text, strict=True)
            header = next(reader, None)
            if header != names:
                got = ",".join(header) if header else "an empty file"
                yield f"{file}:1: header: got {got}, allowed: {','.join(names)}"
                return
            for row in reader:
                rows += 1
                if len(row) != len(names):
                    yield f"{file}:{reader.line_num}: got {len(row)} fields, allowed: {len(names)}"
                    continue
                for column, value in zip(contract.columns, row, strict=True):
                    if not column.admits(value):
                        where = f"{file}:{reader.line_num}: {column.name}"
                        yield f"{where}: got {value[:40]!r}, allowed: {column.allowed}"
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        yield f"{file}: {error}, allowed: a CSV file in UTF-8"
        return
    if rows < FEWEST:
        yield f"{file}: got {rows} rows, allowed: at least {FEWEST}"
