"""The columns of a model's input, parsed once from ``input_schema()``.

The schema is a list of objects, one for each column, in the order in which ``predict`` expects them. It is not JSON
Schema: it has only what a row of a table needs. The server refuses unknown keys, so a misspelt ``maximum`` is an error.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, cast

from modelserver.errors import StartError

ColumnType = Literal["string", "integer", "number"]
Scalar = str | int | float | None

KEYS = ("name", "type", "description", "unit", "minimum", "maximum", "enum", "nullable", "example")
TYPES = ("string", "integer", "number")


@dataclass(frozen=True, slots=True)
class Column:
    """One column; ``minimum`` and ``maximum`` are inclusive and in ``unit``."""

    name: str
    type: ColumnType
    description: str = ""
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    enum: tuple[str | int | float, ...] = ()
    nullable: bool = False
    example: Scalar = None

    @property
    def allowed(self) -> str:
        """The rule as text for error messages: ``integer from 0 to 23 (hour), or null``."""
        if self.enum:
            listed = ", ".join(str(value) for value in self.enum[:30])
            text = f"one of {listed}" + (", ..." if len(self.enum) > 30 else "")
        else:
            text = self.type
            if self.minimum is not None and self.maximum is not None:
                text += f" from {self.minimum:.12g} to {self.maximum:.12g}"
            elif self.minimum is not None:
                text += f" of at least {self.minimum:.12g}"
            elif self.maximum is not None:
                text += f" of at most {self.maximum:.12g}"
            elif self.type == "integer":
                text += " of 64 bits"
        if self.unit:
            text += f" ({self.unit})"
        return text + (", or null" if self.nullable else "")

    @property
    def sample(self) -> Scalar:
        """A valid value, for the warm-up and for the example in OpenAPI."""
        if self.example is not None:
            return self.example
        if self.enum:
            return self.enum[0]
        if self.type == "string":
            return ""
        low = self.minimum if self.minimum is not None else min(0.0, self.maximum or 0.0)
        return math.ceil(low) if self.type == "integer" else float(low)


def dtype_of(columns: Sequence[Column]) -> str:
    """The dtype of an array of rows of these columns, by numpy's name."""
    kinds = {column.type for column in columns}
    if "string" in kinds:
        return "object"
    return "int64" if kinds == {"integer"} and not any(column.nullable for column in columns) else "float64"


def parse_columns(schema: object) -> tuple[Column, ...]:
    """Read what ``input_schema()`` returned; ``StartError`` names the column and the key that is wrong."""
    if not isinstance(schema, Sequence) or isinstance(schema, str) or not schema:
        raise StartError("input_schema() must return a list with one object a column")
    columns = tuple(_column(position, entry) for position, entry in enumerate(schema))
    names = [column.name for column in columns]
    for name in names:
        if names.count(name) > 1:
            raise StartError(f'input_schema(): column "{name}" is there twice')
    return columns


def _column(position: int, entry: object) -> Column:
    where = f"input_schema()[{position}]"
    if not isinstance(entry, dict):
        raise StartError(f"{where} must be an object, not {type(entry).__name__}")
    name = entry.get("name")
    if not isinstance(name, str) or not name:
        raise StartError(f"{where} has no name")
    where = f'{where} "{name}"'
    unknown = sorted(str(key) for key in entry if key not in KEYS)
    if unknown:
        raise StartError(f"{where}: unknown key {unknown[0]}; allowed are {', '.join(KEYS)}")
    kind = entry.get("type")
    if kind not in TYPES:
        raise StartError(f"{where}: type is {kind!r}; allowed are {', '.join(TYPES)}")
    enum = entry.get("enum") or ()
    if not isinstance(enum, list | tuple):
        raise StartError(f"{where}: enum must be a list")
    bounds = [_bound(where, key, entry.get(key)) for key in ("minimum", "maximum")]
    if kind == "string" and bounds != [None, None]:
        raise StartError(f"{where}: minimum and maximum need type integer or number")
    if None not in bounds and cast(float, bounds[0]) > cast(float, bounds[1]):
        raise StartError(f"{where}: minimum {bounds[0]} is above maximum {bounds[1]}")
    wanted = (str,) if kind == "string" else (int,) if kind == "integer" else (int, float)
    for value in enum:
        if not isinstance(value, wanted) or isinstance(value, bool):
            raise StartError(f"{where}: enum value {value!r} is no {kind}")
    return Column(
        name=name,
        type=cast(ColumnType, kind),
        description=str(entry.get("description") or ""),
        unit=str(entry.get("unit") or ""),
        minimum=bounds[0],
        maximum=bounds[1],
        enum=tuple(enum),
        nullable=bool(entry.get("nullable", False)),
        example=entry.get("example"),
    )


def _bound(where: str, key: str, value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise StartError(f"{where}: {key} is {value!r}; it must be a finite number")
    return value
