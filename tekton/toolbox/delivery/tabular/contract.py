"""contract.yaml: the columns of a project's table, defined once. The file's checks, the features and requests follow.

A column is a feature, the label, or it is not used: an identifier, a date, or a column with a single value.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from delivery.errors import DeliveryError

FILE = "contract.yaml"
STRING, INTEGER, NUMBER = "string", "integer", "number"
FEATURE, LABEL, UNUSED = "feature", "label", "unused"


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its type, the allowed values, and its use. A number is allowed from `minimum` to `maximum`."""

    name: str
    type: str
    role: str = FEATURE
    description: str = ""
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    enum: tuple[str, ...] = ()
    decimals: int = 0
    """Digits after the point in the file, of a `number`."""
    nullable: bool = False

    @property
    def allowed(self) -> str:
        """The allowed values as text for an error message."""
        if self.enum:
            words = f"one of {', '.join(self.enum[:20])}" + (" ..." if len(self.enum) > 20 else "")
        elif self.type == STRING:
            words = "a text"
        else:
            words = "an integer" if self.type == INTEGER else "a number"
            if self.minimum is not None and self.maximum is not None:
                words = f"{words} from {self.minimum:g} to {self.maximum:g} {self.unit}".rstrip()
        return f"{words} or nothing" if self.nullable else words

    def admits(self, text: str) -> bool:
        """Whether a field of the file is an allowed value."""
        if text == "":
            return self.nullable
        if self.type == STRING:
            return not self.enum or text in self.enum
        try:
            value = int(text) if self.type == INTEGER else float(text)
        except ValueError:
            return False
        low, high = self.minimum, self.maximum
        if self.enum and text not in self.enum:
            return False
        return value == value and (low is None or low <= value) and (high is None or value <= high)


@dataclass(frozen=True, slots=True)
class Contract:
    """The columns in the order of the file. `positive` is the label's value that a classification looks for."""

    folder: Path
    file: str
    columns: tuple[Column, ...]
    positive: str = ""

    @property
    def data(self) -> Path:
        """The file with the rows."""
        return self.folder / self.file

    @property
    def names(self) -> tuple[str, ...]:
        """All columns of the file."""
        return tuple(column.name for column in self.columns)

    @property
    def label(self) -> Column:
        """What is predicted."""
        return next(column for column in self.columns if column.role == LABEL)

    @property
    def features(self) -> tuple[str, ...]:
        """What it is predicted from."""
        return tuple(column.name for column in self.columns if column.role == FEATURE)

    @property
    def words(self) -> tuple[str, ...]:
        """The features that are texts: the graph's input `words`."""
        return tuple(name for name in self.features if self[name].type == STRING)

    @property
    def numbers(self) -> tuple[str, ...]:
        """The other features: the graph's input `numbers`, with NaN for a missing value."""
        return tuple(name for name in self.features if self[name].type != STRING)

    def __getitem__(self, name: str) -> Column:
        return next(column for column in self.columns if column.name == name)

    def json_schema(self) -> list[dict[str, Any]]:
        """The features as the model server reads them: name, type, description, unit, bounds, enum, nullable."""
        return [_schema(self[name]) for name in self.features]


def _schema(column: Column) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "name": column.name,
        "type": column.type,
        "description": column.description,
        "unit": column.unit,
        "nullable": column.nullable,
    }
    if column.enum and column.type == STRING:
        entry["enum"] = list(column.enum)
    if column.minimum is not None and column.maximum is not None:
        entry |= {"minimum": column.minimum, "maximum": column.maximum}
    return entry


def read(folder: Path) -> Contract:
    """The contract of a project. DeliveryError names the file and what is wrong."""
    file = folder / FILE
    try:
        raw = yaml.safe_load(file.read_text(encoding="utf-8"))
        columns = tuple(
            Column(**{**one, "enum": tuple(map(str, one.get("enum") or ())), "name": str(one["name"])})
            for one in raw["columns"]
        )
        found = Contract(folder, str(raw["file"]), columns, str(raw.get("positive", "")))
    except (OSError, yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
        raise DeliveryError(f"{file}: {type(error).__name__}: {error}", next=f"git diff {file}") from error
    if wrong := _wrong(found):
        raise DeliveryError(f"{file}: {wrong}", next=f"git diff {file}")
    return found


def _wrong(contract: Contract) -> str:
    """What does not fit together, or nothing."""
    for column in contract.columns:
        for what, got, allowed in (
            ("type", column.type, (STRING, INTEGER, NUMBER)),
            ("role", column.role, (FEATURE, LABEL, UNUSED)),
        ):
            if got not in allowed:
                return f"columns: {column.name}: {what}: got {got!r}, allowed: {', '.join(allowed)}"
    labels = [column.name for column in contract.columns if column.role == LABEL]
    if len(labels) != 1:
        return f"columns: got the labels {', '.join(labels) or 'none'}, allowed: one column with role: {LABEL}"
    if not contract.features:
        return f"columns: got none with role: {FEATURE}, allowed: at least one"
    twice = sorted({name for name in contract.names if contract.names.count(name) > 1})
    return f"columns: {', '.join(twice)} is there twice" if twice else ""
