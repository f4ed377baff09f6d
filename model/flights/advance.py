"""Add the next month: the old test month becomes a training month, and the new month the test month.

    python -m flights.advance      makes the month, tracks it with DVC, edits months in params.yaml

It stands for new data in the workshop. It changes files and commits nothing; `git diff` shows the change.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from flights import data, months, params
from flights.cli import exit_code, say
from flights.errors import FlightsError
from flights.paths import home, write_atomic
from flights.pointers import path_of


def next_months(train: tuple[int, ...], test: int) -> tuple[str, int]:
    """The training months as params.yaml writes them, and the test month. Raises FlightsError after December."""
    if test >= 12:
        raise FlightsError(f"months.test is {test}, and the data ends with December: there is no month to add")
    return written((*train, test)), test + 1


def written(numbers: tuple[int, ...]) -> str:
    """Months in the shortest form that months.parse reads: 1-7 or 1-3,8."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ",".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)


def edit(file: Path, train: str, test: int) -> None:
    """Write the two values to params.yaml and keep its comments."""
    text = file.read_text(encoding="utf-8")
    for key, value in (("train", train), ("test", str(test))):
        text, count = re.subn(rf"(?m)^(  {key}:\s*)[\d,-]+", rf"\g<1>{value}", text, count=1)
        if count != 1:
            raise FlightsError(f"{file}: no line `  {key}: ...` under months, next: write it by hand")
    write_atomic(file, text.encode())


@dataclass(frozen=True, slots=True)
class Moved:
    """The months after the move, as params.yaml writes them, and the file of the test month."""

    train: str
    test: int
    file: Path


def advance(*, create: bool = True) -> Moved | None:
    """Make and track the next month if it is not tracked, and advance the months of params.yaml by one.

    Without `create` a month that is not tracked changes nothing, and the result is None. Raises FlightsError.
    """
    root, given = home(), params.load()
    if not create and (given.test_month >= 12 or not path_of(_file(root, given.test_month + 1)).exists()):
        return None
    train, test = next_months(given.train_months, given.test_month)
    file = _file(root, test)
    if not path_of(file).exists():
        data.make([test], root / "data")
        _track(file)
    edit(root / "params.yaml", train, test)
    return Moved(train, test, file)


def main(argv: list[str] | None = None) -> int:
    """Advance, and print the months."""
    argparse.ArgumentParser(prog="python -m flights.advance", description=__doc__.split("\n", 1)[0]).parse_args(argv)
    moved = advance()
    if moved:
        say(f"{moved.file.name} is tracked; trains on {moved.train}, tests on {moved.test}, next: dvc repro")
    return 0


def _file(root: Path, month: int) -> Path:
    return root / "data" / months.file_name(month)


def _track(file: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "dvc", "add", "--quiet", str(file)], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise FlightsError(f"dvc add {file}: {done.stderr.strip()[-300:]}, next: dvc doctor")


if __name__ == "__main__":
    sys.exit(exit_code(main))
