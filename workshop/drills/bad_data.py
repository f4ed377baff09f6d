"""A month arrives with values that no flight can have; the pipeline's validation names the file, row and column."""

from __future__ import annotations

import csv
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from workshop.drills.commits import Commit
from workshop.errors import SetupError

MONTH = "flights-2013-07.csv"
ROW = 4321
"""The row of the data that is made impossible."""


def change(model: Path, env: Mapping[str, str]) -> None:
    """Make July, set a distance to -1, and push the file to the DVC remote."""
    file = model / "data" / MONTH
    _command(model, env, "flights.data", "make", "--months", "7", "--force")
    spoil(file)
    _command(model, env, "dvc", "add", "--quiet", str(file))
    _command(model, env, "dvc", "push", "--quiet", f"{file}.dvc")


def spoil(file: Path) -> None:
    """Set the distance of one row to -1."""
    with file.open(newline="", encoding="utf-8") as opened:
        rows = list(csv.reader(opened))
    rows[ROW][rows[0].index("distance")] = "-1"
    with file.open("w", newline="", encoding="utf-8") as opened:
        csv.writer(opened, lineterminator="\n").writerows(rows)


def _command(model: Path, env: Mapping[str, str], module: str, *words: str) -> None:
    argv = [sys.executable, "-m", module, *words]
    done = subprocess.run(argv, cwd=model, env=dict(env), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SetupError(f"{module} {words[0]} failed: {done.stderr.strip()[-300:]}", hint="dvc doctor in model/")


DRILL = Commit(
    name="bad-data",
    title="a month has a flight of -1 miles",
    look="the run's page: fetch-data is red, and its log names file, row, column and rule",
    change=change,
    task="fetch-data",
    pattern=rf"{MONTH}:\d+.*distance",
)
