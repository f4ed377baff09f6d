"""Check data/cars.csv before training, and report every fault with file, line, column, value and what is allowed.

python -m fuel.validate [FILE]      exit 1 on findings
"""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

from delivery.cli import exit_code, say
from delivery.errors import DeliveryError

from fuel.paths import CARS, REPORTS, write
from fuel.schema import COLUMNS, NAMES

SHOWN = 20
"""Findings that are printed; the others are counted."""
FEWEST = 50
"""Rows below which no model can be tested."""


def findings(file: Path) -> list[str]:
    """All faults of a file in the order of its lines. A file that cannot be read is one of them."""
    try:
        with file.open(encoding="utf-8", newline="") as text:
            table = list(csv.reader(text, strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        return [f"{file}: {error}, allowed: a CSV file in UTF-8"]
    if not table or tuple(table[0]) != NAMES:
        got = ",".join(table[0]) if table else "an empty file"
        return [f"{file}:1: header: got {got}, allowed: {','.join(NAMES)}"]
    found = []
    for line, row in enumerate(table[1:], start=2):
        if len(row) != len(NAMES):
            found.append(f"{file}:{line}: got {len(row)} fields, allowed: {len(NAMES)}")
            continue
        found += [
            f"{file}:{line}: {column.name}: got {value[:40]!r}, allowed: {column.allowed}"
            for column, value in zip(COLUMNS, row, strict=True)
            if not column.admits(value)
        ]
    if len(table) - 1 < FEWEST:
        found.append(f"{file}: got {len(table) - 1} cars, allowed: at least {FEWEST}")
    return found


def main() -> int:
    """Check, print what was found, and write reports/validation.json."""
    file = Path(sys.argv[1]) if len(sys.argv) > 1 else CARS
    found = findings(file)
    for one in found[:SHOWN]:
        say(one)
    if found:
        raise DeliveryError(f"{len(found)} findings in {file}", next="git diff, or dvc checkout data/cars.csv.dvc")
    write(REPORTS / "validation.json", json.dumps({"file": file.name, "findings": 0}) + "\n")
    say(f"{file.name} has no fault")
    return 0


if __name__ == "__main__":
    sys.exit(exit_code(main))
