"""Checks a caller's rows against the model's columns, and reports exactly what is wrong where.

The rules are compiled once: one function for each column, and one for a whole row, which has the usual case of each
column inline (as dataclasses generate their ``__init__``) and calls the column's function for any other. A row of 17
columns takes 1 us that way, and 3 us by a loop of calls. Many rows are first checked by columns, which takes half the
time and is enough for the usual case. Only rows that fail are checked again, to collect every finding. Findings name
row and column as the caller sent them; at most ``MAX_FINDINGS`` are reported.
"""

import math
import sys
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from itertools import islice
from types import NoneType
from typing import Any

from modelserver.columns import Column, Scalar, dtype_of
from modelserver.errors import ServingError, shown

MAX_FINDINGS = 10
MANY_ROWS = 32
Check = Callable[[object], Scalar]
Row = list[Scalar]

# An integer beyond this is not exact as the float64 that models compute with.
EXACT = float(2**53)


class _RefusedError(Exception):
    """A value broke its column's rule; the text is made later, on the slow path.

    Raised as a class. An instance that is raised again keeps a traceback entry for each raise, and each entry keeps the
    frame with the parsed request.
    """


def compile_check(column: Column) -> Check:
    """The rule of one column as a function: returns the value to use, raises when it is not allowed.

    Whole floats pass for integers (tensors carry floats only) and become ``int``; numbers become ``float``.
    Booleans and numbers in quotes pass for neither.
    """
    nullable = column.nullable
    enum = frozenset(column.enum)
    if column.type == "string":

        def check_string(value: object) -> Scalar:
            if type(value) is str and (not enum or value in enum):
                return value
            if value is None and nullable:
                return None
            raise _RefusedError

        return check_string

    low, high = _range(column)

    if column.type == "integer":

        def check_integer(value: object) -> Scalar:
            if type(value) is float and value.is_integer() and abs(value) <= EXACT:
                value = int(value)
            if type(value) is int and low <= value <= high and (not enum or value in enum):
                return value
            if value is None and nullable:
                return None
            raise _RefusedError

        return check_integer

    def check_number(value: object) -> Scalar:
        if type(value) is float or type(value) is int:
            if low <= value <= high and (not enum or value in enum):
                return float(value)
        elif value is None and nullable:
            return None
        raise _RefusedError

    return check_number


def compile_row(columns: Sequence[Column]) -> Callable[[list[object]], Row]:
    """``compile_check`` of every column in one function: a row in the model's order in, the values to use out."""
    lines = ["def row(values):", f" {''.join(f'v{at},' for at in range(len(columns)))} = values"]
    names: dict[str, object] = {}
    for at, column in enumerate(columns):
        names[f"check{at}"] = compile_check(column)
        if column.enum:
            names[f"enum{at}"] = frozenset(column.enum)
            usual = f"type(v{at}) is {_TYPES[column.type].__name__} and v{at} in enum{at}"
        else:
            usual = f"type(v{at}) is {_TYPES[column.type].__name__}"
        if column.type != "string":
            names[f"low{at}"], names[f"high{at}"] = _range(column)
            usual += f" and low{at} <= v{at} <= high{at}"
        lines.append(f" if not ({usual}): v{at} = check{at}(v{at})")
    lines.append(f" return [{', '.join(f'v{at}' for at in range(len(columns)))}]")
    # Nothing of a caller's or of the schema's text is in it: columns appear by their position.
    exec("\n".join(lines), names)  # noqa: S102
    return names["row"]  # type: ignore[return-value]


def compile_table(columns: Sequence[Column]) -> Callable[[list[list[object]]], bool]:
    """Whether every value of many rows in the model's order is allowed and of its column's own type, so used as it is.

    False says nothing: a whole float among integers is allowed too, and changed by ``compile_row``.
    """

    def usual(column: Column) -> Callable[[Sequence[object]], bool]:
        wanted, nothing = {_TYPES[column.type]} | ({NoneType} if column.nullable else set()), {None}
        enum = frozenset(column.enum)
        low, high = _range(column)

        def check(values: Sequence[object]) -> bool:
            if not wanted.issuperset(map(type, values)):
                return False
            # Many flights share an hour, an airport, a temperature.
            different: set[Any] = set(values) - nothing
            if enum and not different <= enum:
                return False
            if column.type == "string" or not different:
                return True
            # Comparisons with NaN are false, but a sum with NaN is NaN.
            return low <= min(different) and max(different) <= high and not math.isnan(sum(different))

        return check

    checks = [usual(column) for column in columns]
    return lambda rows: all(check(values) for check, values in zip(checks, zip(*rows, strict=True), strict=True))


_TYPES = {"string": str, "integer": int, "number": float}


def _range(column: Column) -> tuple[float, float]:
    """What an array holds is the outermost bound, 64 bits or the finite floats: infinities and NaN fail it too."""
    whole = column.type == "integer"
    lowest, highest = (-(2**63), 2**63 - 1) if whole else (-sys.float_info.max, sys.float_info.max)
    low = lowest if column.minimum is None else max(column.minimum, lowest)
    high = highest if column.maximum is None else min(column.maximum, highest)
    return low, high


class RowValidator:
    """All columns of one model. Threads may share it: it keeps no state of a request."""

    def __init__(self, columns: Sequence[Column], max_rows: int) -> None:
        self.columns = tuple(columns)
        self.names = [column.name for column in columns]
        self.dtype = dtype_of(columns)
        self.max_rows = max_rows
        self._checks = [compile_check(column) for column in columns]
        self._row = compile_row(columns)
        self._usual = compile_table(columns)
        self._positions = {name: position for position, name in enumerate(self.names)}
        self.refused: Callable[[str], None] = lambda name: None
        """Called with the name of each column of which a request had a value that is not allowed."""

    def rows(self, rows: object, names: Sequence[object] = ()) -> list[Row]:
        """Check lists of values. ``names`` gives the caller's order; empty means the model's own.

        Returns one list a row, in the model's order. Raises ``ServingError`` 400 with the findings, 413 when
        there are more than ``max_rows`` rows.
        """
        self._count(rows)
        assert isinstance(rows, list)
        order = self._order(names)
        width = len(names) or len(self.names)
        for row in rows:
            if type(row) is not list or len(row) != width:
                raise self._refusal(rows, width, order)
        try:
            if order is None:
                if len(rows) >= MANY_ROWS and self._usual(rows):
                    return rows
                return [self._row(row) for row in rows]
            return [self._row([None if at < 0 else row[at] for at in order]) for row in rows]
        except _RefusedError:
            raise self._refusal(rows, width, order) from None

    def records(self, records: object) -> list[Row]:
        """Check objects by column name. An absent column counts as null."""
        self._count(records, "objects")
        assert isinstance(records, list)
        findings: list[str] = []
        rows: list[object] = []
        for at, record in enumerate(records):
            if not isinstance(record, dict):
                findings.append(f"row {at}: got {shown(record)}, allowed: an object by column name")
                continue
            unknown = (key for key in record if key not in self._positions)
            findings += [f"row {at}: {self._unknown(key)}" for key in islice(unknown, MAX_FINDINGS)]
            if len(findings) >= MAX_FINDINGS:
                break
            rows.append([record.get(name) for name in self.names])
        if findings:
            raise _error(findings)
        return self.rows(rows)

    def _count(self, rows: object, what: str = "rows") -> None:
        if not isinstance(rows, list):
            raise ServingError(400, f"got {shown(rows)} where a list of {what} belongs")
        if not rows:
            raise ServingError(400, f"no {what}: at least one is needed")
        if len(rows) > self.max_rows:
            raise ServingError(413, f"{len(rows)} rows; at most {self.max_rows} are allowed in one request")

    def _order(self, names: Sequence[object]) -> list[int] | None:
        """The position of each of the model's columns in the caller's row, -1 when absent; None: the same order."""
        if not names or names == self.names:
            return None
        unknown = (name for name in names if name not in self._positions)
        findings = [self._unknown(name) for name in islice(unknown, MAX_FINDINGS)]
        findings += [f"names: {shown(name)} is there twice" for name in self.names if names.count(name) > 1]
        findings += [
            f'names: column "{column.name}" is missing; allowed are {", ".join(self.names)}'
            for column in self.columns
            if column.name not in names and not column.nullable
        ]
        if findings:
            raise _error(findings)
        places = {name: place for place, name in enumerate(names)}
        return [places.get(name, -1) for name in self.names]

    def _unknown(self, name: object) -> str:
        close = get_close_matches(str(name), self.names, 1)
        hint = f", did you mean {close[0]}?" if close else f"; allowed are {', '.join(self.names)}"
        return f"unknown column {shown(name)}{hint}"

    def _refusal(self, rows: list[object], width: int, order: list[int] | None) -> ServingError:
        """Check rows of which at least one is wrong again, and collect the findings."""
        findings: list[str] = []
        columns: set[str] = set()
        for at, row in enumerate(rows):
            if not isinstance(row, list):
                findings.append(f"row {at}: got {shown(row)}, allowed: a list of {width} values")
            elif len(row) != width:
                findings.append(
                    f"row {at}: got {len(row)} values, allowed: {width} ({', '.join(self.names)})"
                    if order is None
                    else f"row {at}: got {len(row)} values, allowed: {width}, as many as names"
                )
            else:
                for place, column in enumerate(self.columns):
                    source = place if order is None else order[place]
                    value = None if source < 0 else row[source]
                    try:
                        self._checks[place](value)
                    except _RefusedError:
                        columns.add(column.name)
                        findings.append(
                            f'row {at}, column "{column.name}": got {shown(value)}, allowed: {column.allowed}'
                        )
            if len(findings) >= MAX_FINDINGS:
                break
        for name in columns:
            self.refused(name)
        return _error(findings)


def _error(findings: list[str]) -> ServingError:
    more = len(findings) - MAX_FINDINGS
    text = "; ".join(findings[:MAX_FINDINGS])
    return ServingError(400, text + (f"; and {more} more" if more > 0 else ""))


def sample_row(columns: Sequence[Column]) -> Mapping[str, Scalar]:
    """One row that passes, by column name."""
    return {column.name: column.sample for column in columns}
