"""The columns of data/cars.csv, defined once. The file, its checks, the features and the schema of requests follow.

The units are metric, and the consumption is in litres per 100 km: errors of miles per gallon do not add up, because
its steps are worth less fuel the larger it is. Standard library only, because the served image has no pandas.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["string", "integer", "number"]
Role = Literal["key", "feature", "label"]

ORIGINS = ("Europe", "Japan", "USA")
LABEL = "consumption"
UNIT = "litres per 100 km"


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its type, the allowed values, and its use."""

    name: str
    kind: Kind
    role: Role
    description: str
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    enum: tuple[str, ...] = ()
    decimals: int = 0
    """Digits after the point in the file. Fixed digits give the same bytes everywhere."""
    nullable: bool = False

    @property
    def allowed(self) -> str:
        """The allowed values as text for an error message."""
        if self.enum:
            return f"one of {', '.join(self.enum)}"
        if self.kind == "string":
            return "a text"
        word = "an integer" if self.kind == "integer" else "a number"
        words = f"{word} from {self.minimum:g} to {self.maximum:g} {self.unit}".rstrip()
        return f"{words} or nothing" if self.nullable else words

    def admits(self, text: str) -> bool:
        """Whether a field of the file is an allowed value."""
        if text == "":
            return self.nullable
        if self.kind == "string":
            return not self.enum or text in self.enum
        try:
            value = int(text) if self.kind == "integer" else float(text)
        except ValueError:
            return False
        assert self.minimum is not None and self.maximum is not None
        return self.minimum <= value <= self.maximum  # false for NaN


COLUMNS: tuple[Column, ...] = (
    Column("name", "string", "key", "make and model"),
    Column("cylinders", "integer", "feature", "number of cylinders", "", 2, 12),
    Column("displacement", "integer", "feature", "volume of all cylinders", "cm3", 500, 9000),
    Column("horsepower", "integer", "feature", "power of the engine", "hp", 20, 500, nullable=True),
    Column("weight", "integer", "feature", "mass of the car", "kg", 400, 3500),
    Column("acceleration", "number", "feature", "time from 0 to 60 miles an hour", "s", 4, 40, decimals=1),
    Column("year", "integer", "feature", "model year", "", 1970, 1982),
    Column("origin", "string", "feature", "where it was made", enum=ORIGINS),
    Column(LABEL, "number", "label", "fuel that the car consumes", UNIT, 2, 40, decimals=2),
)

BY_NAME: dict[str, Column] = {column.name: column for column in COLUMNS}
NAMES: tuple[str, ...] = tuple(BY_NAME)
FEATURES: tuple[str, ...] = tuple(column.name for column in COLUMNS if column.role == "feature")
WORDS: tuple[str, ...] = tuple(name for name in FEATURES if BY_NAME[name].kind == "string")
NUMBERS: tuple[str, ...] = tuple(name for name in FEATURES if name not in WORDS)
"""The two inputs of the ONNX graph: texts, and numbers with NaN for a missing one."""


def json_schema() -> list[dict[str, Any]]:
    """The features as the model server reads them: name, type, description, unit, bounds, enum, nullable."""
    described: list[dict[str, Any]] = []
    for column in (BY_NAME[name] for name in FEATURES):
        entry: dict[str, Any] = {
            "name": column.name,
            "type": column.kind,
            "description": column.description,
            "unit": column.unit,
            "nullable": column.nullable,
        }
        if column.enum:
            entry["enum"] = list(column.enum)
        if column.minimum is not None:
            entry |= {"minimum": column.minimum, "maximum": column.maximum}
        described.append(entry)
    return described
