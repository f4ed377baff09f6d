"""Module 2, explore the data: three answers, compared with the data files, and a group of flights of one's own.

Any group will do that is described by columns known before departure, is large enough and late often enough.
"""

from __future__ import annotations

import csv
import operator
import re
import statistics
from collections.abc import Callable, Iterator
from pathlib import Path

from workshop.checks import answers
from workshop.checks.finding import CheckContext, Editor, Finding
from workshop.languages.catalog import N_, Sentence

NUMBER = "02"
FEWEST = 1000
"""Hours with fewer flights are ignored, as in the notebook: their rates vary too much."""
LEAKING = 0.5
"""A correlation with the label above this value is impossible for data known before departure."""
GROUP, TWICE = 300, 2.0
"""Flights in a group of one's own at least, and how many times as often as all flights they are late."""
AFTERWARDS = ("dep_delay", "late")
"""Columns that are not known before departure."""
Rows = list[dict[str, str]]
_COMPARED: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
_CONDITION = re.compile(r"\s*(\w+)\s*(>=|<=|>|<|=)\s*(.+?)\s*")


def check(context: CheckContext) -> list[Finding]:
    """The share of late flights, the worst hour, the leak, the group of flights."""
    given = answers.answers(context, NUMBER)
    rows = list(_rows(context.clone / "model" / "data"))
    if not rows:
        where = "model/data has no month from January to July"
        return [
            Finding(N_("the months are there"), False, where, "cd model && python -m flights.ensure --months 1-7"),
            *(Finding(task, False, N_("it needs the months"), "") for task in (_RATE, _HOUR, _LEAK, _GROUP)),
        ]
    there = Finding(N_("the months are there"), True, Sentence("{count:,} flights", count=len(rows)))
    return [there, _rate(given, rows), _hour(given, rows), _leak(given, rows), _group(given, rows)]


def reset(context: CheckContext, _: Editor) -> list[str]:
    """Put the answers aside."""
    return answers.put_aside(context, NUMBER)


_RATE = N_("you know how many flights are late")
_HOUR = N_("you know the hour to avoid")
_LEAK = N_("you found the leak")
_GROUP = N_("you found flights that are late twice as often as others")


def _rows(folder: Path) -> Iterator[dict[str, str]]:
    for month in range(1, 8):
        file = folder / f"flights-2013-{month:02d}.csv"
        if not file.exists():
            return
        with file.open(newline="", encoding="utf-8") as opened:
            yield from csv.DictReader(opened)


def _rate(given: dict[str, str], rows: Rows) -> Finding:
    if "late-percent" not in given:
        return answers.missing(NUMBER, "late-percent", _RATE)
    share = 100 * sum(row["late"] == "1" for row in rows) / len(rows)
    said = _number(given["late-percent"])
    if said is None or abs(said - share) > 1:
        return Finding(
            _RATE,
            False,
            Sentence(
                "you say {late_percent}, and these flights say another number", late_percent=given["late-percent"]
            ),
            N_("section 1 of the notebook prints it; write percent, without a sign"),
        )
    return Finding(_RATE, True, Sentence("{share:.1f} percent of them", share=share))


def _hour(given: dict[str, str], rows: Rows) -> Finding:
    if "worst-hour" not in given:
        return answers.missing(NUMBER, "worst-hour", _HOUR)
    seen: dict[int, list[int]] = {}
    for row in rows:
        counts = seen.setdefault(int(row["sched_dep"]) // 60, [0, 0])
        counts[0] += 1
        counts[1] += row["late"] == "1"
    rates = {hour: late / all_ for hour, (all_, late) in seen.items() if all_ >= FEWEST}
    worst = max(rates, key=lambda hour: rates[hour])
    said = _number(given["worst-hour"])
    if said != worst:
        known = f"{rates[int(said)]:.1%} of its flights are late" if said in rates else f"it has no {FEWEST:,} flights"
        return Finding(
            _HOUR,
            False,
            Sentence(
                "you say {worst_hour}: {known}, and another hour is worse", worst_hour=given["worst-hour"], known=known
            ),
            N_("section 2 of the notebook draws the hours"),
        )
    return Finding(
        _HOUR,
        True,
        Sentence("{share:.1%} of the flights scheduled from {worst}:00 on are late", share=rates[worst], worst=worst),
    )


def _leak(given: dict[str, str], rows: Rows) -> Finding:
    if "leak" not in given:
        return answers.missing(NUMBER, "leak", _LEAK)
    name = given["leak"]
    try:
        values = [float(row[name]) for row in rows]
        found = abs(statistics.correlation(values, [float(row["late"]) for row in rows]))
    except (KeyError, ValueError, statistics.StatisticsError):
        return Finding(
            _LEAK,
            False,
            Sentence("{name!r} is no column with a number in every row", name=name),
            N_("section 5 lists candidates"),
        )
    if name == "late" or found < LEAKING:
        why = "is what we predict" if name == "late" else f"has a correlation of {found:.2f} with being late"
        return Finding(_LEAK, False, f"{name} {why}", N_("which column is known only when the plane has left?"))
    return Finding(
        _LEAK,
        True,
        Sentence(
            "{name} has a correlation of {found:.2f} with being late, and it is not known before departure",
            name=name,
            found=found,
        ),
    )


def _group(given: dict[str, str], rows: Rows) -> Finding:
    if "group" not in given:
        return answers.missing(NUMBER, "group", _GROUP)
    known = ", ".join(name for name in rows[0] if name not in AFTERWARDS)
    try:
        wanted = [_condition(part, rows[0]) for part in given["group"].split(",")]
        found = [row for row in rows if all(holds(row) for holds in wanted)]
    except ValueError as error:
        return Finding(
            _GROUP,
            False,
            Sentence("you say {group!r}: {error}", group=given["group"], error=error),
            Sentence("conditions such as origin=LGA, distance>=500; the columns are {known}", known=known),
        )
    share, whole = (sum(row["late"] == "1" for row in some) / max(1, len(some)) for some in (found, rows))
    said = Sentence(
        "{count:,} flights, {share:.1%} of them late; of all flights {whole:.1%} are",
        count=len(found),
        share=share,
        whole=whole,
    )
    if len(found) < GROUP:
        return Finding(_GROUP, False, said, Sentence("fewer conditions: the group needs {group} flights", group=GROUP))
    if share < TWICE * whole:
        return Finding(_GROUP, False, said, Sentence("other conditions: it needs {value:.1%}", value=TWICE * whole))
    return Finding(_GROUP, True, said)


def _condition(text: str, columns: dict[str, str]) -> Callable[[dict[str, str]], bool]:
    """What `column=value` or `column>=number` says of a row. Raises ValueError."""
    parts = _CONDITION.fullmatch(text)
    if parts is None:
        raise ValueError(f"{text.strip()!r} is no condition")
    name, sign, value = parts.groups()
    if name in AFTERWARDS or name not in columns:
        raise ValueError(f"{name} is {'not known before departure' if name in columns else 'no column'}")
    bound = _number(value)
    if sign == "=":
        return lambda row: row[name] == value or (bound is not None and _number(row[name]) == bound)
    if bound is None:
        raise ValueError(f"{value!r} is no number")
    compared = _COMPARED[sign]

    def holds(row: dict[str, str]) -> bool:
        number = _number(row[name])
        return number is not None and compared(number, bound)

    return holds


def _number(text: str) -> float | None:
    try:
        return float(text.removesuffix("%"))
    except ValueError:
        return None
