"""Check monthly files before training, and report every fault with file, line and column.

    python -m flights.validate data/*.csv         exit 1 on findings; -o json for one object

Checks: the file is readable and complete; the header, types, ranges and allowed values of schema.py; the share of empty
fields; every day of the month is present; weekdays match their dates; no flight occurs twice. It does not check whether
the numbers are plausible together; drift detection does that.
"""

from __future__ import annotations

import argparse
import csv
import gc
import io
import json
import sys
from calendar import monthrange
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from functools import cache
from pathlib import Path

from flights import months, params
from flights.cli import exit_code, say
from flights.paths import home, write_atomic
from flights.schema import COLUMNS, NAMES, Column

SHOWN = 20
"""Findings that are printed for one file; the others are counted."""
_KEY = ("date", "sched_dep", "carrier", "flight", "origin", "dest")


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault: its place, the rule, the value, and what was allowed."""

    file: str
    line: int
    column: str
    rule: str
    got: str
    allowed: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        subject = f"{where}: {self.column}" if self.column else where
        return f"{subject}: {self.rule}: got {self.got}, allowed: {self.allowed}"


@dataclass(frozen=True, slots=True)
class Checked:
    """The data rows of one file, and all of its findings in line order."""

    file: str
    rows: int
    findings: tuple[Finding, ...]


def check_file(path: Path) -> Checked:
    """All findings of one file. A file that cannot be read is a finding, not an exception."""
    name = str(path)
    collecting = gc.isenabled()
    # A month makes half a million small lists without cycles. Collecting garbage would take a third of the time.
    gc.disable()
    try:
        text = path.read_bytes().decode("utf-8")
        return _check(path, text, list(csv.reader(io.StringIO(text, newline=""), strict=True)))
    except OSError as error:
        got, allowed = error.strerror or "an error", "a CSV file"
        return Checked(name, 0, (Finding(name, 0, "", "readable", got, allowed),))
    except (UnicodeDecodeError, csv.Error) as error:
        return Checked(name, 0, (Finding(name, 0, "", "readable", str(error), "a CSV file in UTF-8"),))
    finally:
        if collecting:
            gc.enable()


def _check(path: Path, text: str, table: list[list[str]]) -> Checked:
    file = str(path)
    if not table or tuple(table[0]) != NAMES:
        return Checked(file, max(len(table) - 1, 0), (_header(file, table),))
    findings: list[Finding] = []
    whole, lines = table[1:], list(range(2, len(table) + 1))
    if set(map(len, whole)) != {len(NAMES)}:
        whole, lines, findings = _whole_rows(file, whole)
    if not text.endswith("\n"):
        got = "a last line without an end of line"
        findings.append(Finding(file, len(table), "", "whole", got, "a file that is whole"))
    if whole:
        columns = dict(zip(NAMES, zip(*whole, strict=True), strict=True))
        findings.extend(_check_columns(file, lines, columns))
        findings.extend(_check_month(file, months.month_of(path), lines, columns))
    else:
        findings.append(Finding(file, 0, "", "rows", "no whole row", "one row a flight"))
    findings.sort(key=lambda finding: finding.line)
    return Checked(file, len(table) - 1, tuple(findings))


def _header(file: str, table: list[list[str]]) -> Finding:
    if not table:
        return Finding(file, 1, "", "header", "an empty file", ",".join(NAMES))
    got = table[0]
    missing = [name for name in NAMES if name not in got]
    unknown = [name for name in got if name not in NAMES]
    faults = [f"no {', '.join(missing)}"] if missing else []
    faults += [f"unknown {', '.join(map(repr, unknown))}"] if unknown else []
    return Finding(file, 1, "", "header", " and ".join(faults) or "another order", ",".join(NAMES))


def _whole_rows(file: str, rows: list[list[str]]) -> tuple[list[list[str]], list[int], list[Finding]]:
    """The complete rows, their line numbers, and a finding for each other row."""
    whole: list[list[str]] = []
    lines: list[int] = []
    findings: list[Finding] = []
    for line, row in enumerate(rows, start=2):
        if len(row) == len(NAMES):
            whole.append(row)
            lines.append(line)
        else:
            findings.append(Finding(file, line, "", "fields", f"{len(row)} fields", f"{len(NAMES)} fields"))
    return whole, lines, findings


Columns = dict[str, tuple[str, ...]]


def _check_columns(file: str, lines: list[int], columns: Columns) -> Iterator[Finding]:
    """Types, ranges, allowed values and empty fields.

    Each distinct value of a column is checked once: a month has 27,000 rows, but few distinct values.
    """
    for column in COLUMNS:
        values = columns[column.name]
        distinct = set(values)
        rule_of = {value: rule for value in distinct if (rule := _broken_rule(column, value))}
        if rule_of:
            for line, value in zip(lines, values, strict=True):
                if rule := rule_of.get(value):
                    got = repr(value) if value else "nothing"
                    yield Finding(file, line, column.name, rule, got, column.allowed)
        if column.nullable and "" in distinct:
            share = values.count("") / len(values)
            if share > column.max_missing:
                got, allowed = f"{share:.1%} empty", f"at most {column.max_missing:.0%}"
                yield Finding(file, 0, column.name, "missing rate", got, allowed)


def _broken_rule(column: Column, value: str) -> str | None:
    """The rule that a field's text breaks: missing, type, range or value."""
    if value == "":
        return None if column.nullable else "missing"
    if column.kind == "string":
        if column.name == "date":
            return None if _weekday(value) else "type"
        return None if value in column.enum else "value"
    number_of: Callable[[str], float] = int if column.kind == "integer" else float
    try:
        number = number_of(value)
    except ValueError:
        return "type"
    assert column.minimum is not None  # Every number has a range.
    assert column.maximum is not None
    return None if column.minimum <= number <= column.maximum else "range"


@cache
def _weekday(day: str) -> str:
    """The ISO weekday of a date in a file, or nothing when it is not a date."""
    try:
        return str(date.fromisoformat(day).isoweekday()) if len(day) == 10 else ""
    except ValueError:
        return ""


def _check_month(file: str, month: int | None, lines: list[int], columns: Columns) -> Iterator[Finding]:
    """Check that every day is present, no day is of another month, weekdays match, and no flight occurs twice."""
    stem = f"{months.YEAR}-{month:02d}-" if month else ""
    pairs = list(zip(columns["date"], columns["weekday"], strict=True))
    distinct = set(pairs)
    odd = {(day, weekday) for day, weekday in distinct if _weekday(day) not in ("", weekday)}
    foreign = {day for day, _ in distinct if _weekday(day) and not day.startswith(stem)}
    if odd or foreign:
        for line, (day, weekday) in zip(lines, pairs, strict=True):
            if day in foreign:
                allowed = f"days of {stem[:-1]}, as the file's name says"
                yield Finding(file, line, "date", "month", repr(day), allowed)
            if (day, weekday) in odd:
                yield Finding(file, line, "weekday", "calendar", repr(weekday), f"{_weekday(day)} for {day}")
    keys = list(zip(*(columns[name] for name in _KEY), strict=True))
    if len(set(keys)) < len(keys):
        first_line: dict[tuple[str, ...], int] = {}
        for line, key in zip(lines, keys, strict=True):
            first = first_line.setdefault(key, line)
            if first != line:
                yield Finding(file, line, "flight", "twice", f"the flight of line {first} again", "each once")
    if month:
        length = monthrange(months.YEAR, month)[1]
        expected = {f"{stem}{number:02d}" for number in range(1, length + 1)}
        if absent := sorted(expected - {day for day, _ in distinct}):
            yield Finding(file, 0, "date", "days", f"no flight on {', '.join(absent)}", f"all {length} days")


def report(checked: Sequence[Checked]) -> str:
    """The findings of all files as text, at most SHOWN for each file, and the next command."""
    lines: list[str] = []
    for result in checked:
        lines.extend(str(finding) for finding in result.findings[:SHOWN])
        if len(result.findings) > SHOWN:
            lines.append(f"{result.file}: and {len(result.findings) - SHOWN} more findings")
    bad = [result for result in checked if result.findings]
    rows = sum(result.rows for result in checked)
    if not bad:
        lines.append(f"{len(checked)} files, {rows} rows: as the schema says")
        return "\n".join(lines)
    total = sum(len(result.findings) for result in bad)
    pointers = [pointer for result in bad if Path(pointer := f"{result.file}.dvc").exists()]
    remedy = f"dvc checkout --force {' '.join(pointers)}" if pointers else "get the files again from their source"
    lines.append(f"{total} findings in {len(bad)} of {len(checked)} files, next: {remedy}")
    return "\n".join(lines)


def main(argv: Iterable[str] | None = None) -> int:
    """Validate the files named, or those that params.yaml names; also write the findings with --out."""
    parser = argparse.ArgumentParser(prog="python -m flights.validate", description=__doc__.split("\n", 1)[0])
    parser.add_argument("files", nargs="*", type=Path, help="monthly files (default: those of params.yaml)")
    parser.add_argument("-o", "--output", choices=["text", "json"], default="text")
    parser.add_argument("--out", type=Path, help="also write the JSON object to this file")
    given = parser.parse_args(None if argv is None else list(argv))
    files: list[Path] = given.files or [home() / "data" / months.file_name(month) for month in params.load().all_months]
    checked = [check_file(path) for path in files]
    findings = [asdict(finding) for result in checked for finding in result.findings]
    summary = {
        "files": [{"file": result.file, "rows": result.rows} for result in checked],
        "findings": findings,
    }
    if given.out:
        write_atomic(given.out, (json.dumps(summary, indent=1) + "\n").encode())
    say(json.dumps(summary) if given.output == "json" else report(checked))
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(exit_code(main))
