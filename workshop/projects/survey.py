"""Reads a CSV file once, line by line, and says what it has; what cannot be used is an error with line and column.

The memory that it takes does not depend on the number of rows.
"""

from __future__ import annotations

import codecs
import csv
import re
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from workshop.errors import UsageError
from workshop.projects.columns import INTEGER, NUMBER, STRING, Column, kind_of

LARGEST = 200_000_000
"""Bytes of a file: training reads all of it into the memory of one step."""
WIDEST = 200
"""Columns."""
LONGEST_LINE = 1_000_000
"""Bytes of a line."""
FEWEST = 50
"""Rows with a label below which no model can be tested."""
FEWEST_OF_CLASS = 10
LONGEST_NAME = 63
MISSING = frozenset({"", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None"})
"""What means that a value is missing."""
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9 _.()/%+-]*")
_COMMA = re.compile(r"[+-]?\d+,\d+")
_DELIMITERS = {";": "';'", "\t": "$'\\t'", "|": "'|'"}


@dataclass(frozen=True)
class Reading:
    """How a file is to be read: delimiter, words for a missing value, columns that are texts, and decimal sign."""

    delimiter: str = ","
    missing: frozenset[str] = MISSING
    texts: frozenset[str] = frozenset()
    decimal: str = "."
    """What separates the decimals of a number in the file."""

    def value(self, field: str) -> str:
        """A value of the file as it is kept: stripped, empty if it is missing, numbers with a point."""
        found = field.strip()
        if self.decimal != "." and _COMMA.fullmatch(found.replace(self.decimal, ",")):
            found = found.replace(self.decimal, ".")
        return "" if found in self.missing else found


@dataclass
class Survey:
    """The columns of a file in their order, and how many rows it has."""

    file: Path
    columns: list[Column]
    header: int = 1
    """The line that has their names."""
    rows: int = 0
    notes: list[str] = field(default_factory=list)

    def __getitem__(self, name: str) -> Column:
        return next(column for column in self.columns if column.name == name)

    @property
    def place(self) -> str:
        """`file:line` of the header, for what is wrong with all values of a column."""
        return f"{self.file}:{self.header}"

    @property
    def names(self) -> list[str]:
        """The names of the columns."""
        return [column.name for column in self.columns]


def survey(file: Path, reading: Reading) -> Survey:
    """Read the file. Raises UsageError with all faults of the header, or with the first fault of each column."""
    _check_size(file)
    with _lines(file, reading) as lines:
        header, columns = _header(file, lines, reading)
        found = Survey(file, columns, header)
        for line, row in lines:
            if len(row) != len(found.columns):
                raise _fault(
                    file, line, f"got {len(row)} fields, allowed: {len(found.columns)}, as the first line has",
                    "a value that has the delimiter needs quotes; a line must not be cut",
                )  # fmt: skip
            found.rows += 1
            for column, value in zip(found.columns, row, strict=True):
                column.add(value, line)
    if unknown := sorted(reading.texts - set(found.names)):
        raise UsageError(f"--text: {file} has no column {', '.join(unknown)}", hint=f"it has {', '.join(found.names)}")
    if not found.rows:
        raise _fault(file, found.header + 1, "there are no rows after the header", "add rows, or name another file")
    _check_types(found)
    return found


def rows(file: Path, reading: Reading) -> Iterator[list[str]]:
    """The header and the rows as they are kept: stripped, with the empty text for a missing value."""
    with _lines(file, reading) as lines:
        for _, row in lines:
            yield row


@contextmanager
def _lines(file: Path, reading: Reading) -> Iterator[Iterator[tuple[int, list[str]]]]:
    """The rows with their line numbers. Reading them raises UsageError for what is no CSV in UTF-8."""
    with file.open("rb") as content:
        reader = csv.reader(_decoded(file, content), delimiter=reading.delimiter, strict=True)

        def read() -> Iterator[tuple[int, list[str]]]:
            # A value in quotes may have line breaks, so a row has the line on which it begins.
            begins = 1
            try:
                for row in reader:
                    line, begins = begins, reader.line_num + 1
                    if row:
                        yield line, [reading.value(one) for one in row]
            except csv.Error as error:
                carriage = f"tr '\\r' '\\n' < {file.name} > new.csv, or save it as CSV UTF-8"
                quote = "look for a quote that is not closed, or a value that is too long, in the row that begins here"
                hint = carriage if "new-line character" in str(error) else quote
                raise _fault(file, begins, f"{error}".partition(" - ")[0], hint) from error

        yield read()


def _decoded(file: Path, content: BinaryIO) -> Iterator[str]:
    """The lines as text. Raises UsageError with the line of a byte that is not UTF-8, and for a line without an end."""
    number = 0
    while line := content.readline(LONGEST_LINE + 1):
        number += 1
        if len(line) > LONGEST_LINE:
            raise _fault(file, number, f"a line has over {LONGEST_LINE:,} bytes", "is this a CSV file?")
        if number == 1 and line.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            hint = f"iconv -f UTF-16 -t UTF-8 {file.name} > new.csv, or save it as CSV UTF-8"
            raise _fault(file, 1, "the file is in UTF-16, allowed: UTF-8", hint)
        if b"\0" in line:
            raise _fault(file, number, "byte 0x00, which no text has", "is this a CSV file?")
        try:
            # A byte order mark, which spreadsheets write, is no part of the first name.
            yield line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise _fault(
                file, number, f"byte 0x{error.object[error.start]:02x} is not UTF-8",
                f"iconv -f WINDOWS-1252 -t UTF-8 {file.name} > new.csv, or save it as CSV UTF-8",
            ) from error  # fmt: skip


def _check_size(file: Path) -> None:
    if not file.is_file():
        raise UsageError(f"{file} is not a file", hint="--data names a CSV file")
    size = file.stat().st_size
    if size > LARGEST:
        raise UsageError(
            f"{file} has {size:,} bytes, allowed: {LARGEST:,}", hint="take a sample: each tenth row, for example"
        )
    if not size:
        raise _fault(file, 1, "the file is empty", "name a file with a header and rows")


def _header(file: Path, lines: Iterator[tuple[int, list[str]]], reading: Reading) -> tuple[int, list[Column]]:
    """The line of the header, and the columns that it names."""
    line, names = next(lines, (1, []))
    if not names:
        raise _fault(file, 1, "all lines are empty", "name a file with a header and rows")
    if len(names) == 1:
        for other, shown in _DELIMITERS.items():
            if other != reading.delimiter and other in names[0]:
                count = names[0].count(other)
                raise _fault(file, line, f"one column, and the line has {count} of {shown}", f"--delimiter {shown}")
        raise _fault(file, line, f"one column, {names[0][:40]!r}; allowed: a label and at least one feature", "")
    if len(names) > WIDEST:
        raise _fault(file, line, f"got {len(names)} columns, allowed: {WIDEST}", "leave out columns")
    numbers = [name for name in names if kind_of(name) != "string"]
    if len(numbers) > len(names) / 2:
        at = names.index(numbers[0]) + 1
        raise _fault(
            file, line, f"column {at}: {numbers[0]!r} is a value and no name: the file has no header",
            "add a first line with a name for each column",
        )  # fmt: skip
    faults = [_name_fault(at, name, names) for at, name in enumerate(names, start=1)]
    if wrong := [fault for fault in faults if fault]:
        raise UsageError(
            "\n".join(f"{file}:{line}: {fault}" for fault in wrong),
            hint=f"rename them in the first line; allowed: letters, digits, spaces and _ . ( ) / % + -, "
            f"a letter first, up to {LONGEST_NAME} characters, each name once",
        )
    return line, [Column(name, name in reading.texts) for name in names]


def _name_fault(at: int, name: str, names: Sequence[str]) -> str:
    if not name:
        return f"column {at} has no name"
    if (first := names.index(name) + 1) != at:
        return f"column {at}: {name!r} is the name of column {first} too"
    if not _NAME.fullmatch(name) or len(name) > LONGEST_NAME:
        plain = unicodedata.normalize("NFKD", name.replace("ß", "ss")).encode("ascii", "ignore").decode()
        plain = re.sub(r"[^A-Za-z0-9 _.()/%+-]", "_", plain)[:LONGEST_NAME].strip()
        better = plain if _NAME.fullmatch(plain) and plain not in names else f"column_{at}"
        return f"column {at}: got {name[:80]!r}, for example {better!r}"
    return ""


def _check_types(found: Survey) -> None:
    """Refuse columns of mixed types, with the first line that has the other type, and numbers with a comma."""
    faults = []
    for column in found.columns:
        if column.type == STRING and not column.is_text and _has_commas(column):
            line, value = column.first[STRING]
            raise _fault(
                found.file, line, f"{column.name}: got {value[:40]!r}, a number with a comma",
                f"--decimal ',' if it separates decimals; --text '{column.name}' if it is no number; else take it out",
            )  # fmt: skip
        if column.stray:
            line, value = column.stray
            numbers = column.known - column.kinds["string"] - column.kinds["date"]
            faults.append(
                f"{found.file}:{line}: {column.name}: got {value[:40]!r}, and {numbers:,} of {column.known:,} values "
                "are numbers"
            )
    if faults:
        raise UsageError(
            "\n".join(faults),
            hint="mend the values; --missing '?' takes a word as a missing value; --text COLUMN takes all values "
            "of a column as texts",
        )


def _has_commas(column: Column) -> bool:
    """Whether all values that are no numbers are numbers with one comma."""
    return all(_COMMA.fullmatch(value) or kind_of(value) in (INTEGER, NUMBER) for value in column.values)


def _fault(file: Path, line: int, what: str, hint: str) -> UsageError:
    return UsageError(f"{file}:{line}: {what}", hint=hint)
