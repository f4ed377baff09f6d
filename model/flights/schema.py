"""The columns of a monthly file, defined once.

The files, their validation, the features, the ONNX inputs and the schema of requests are derived from COLUMNS. It uses
the standard library only, because a serving image has no pandas. The allowed values are those of New York's flights in
2013; other years may have others.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["string", "integer", "number"]
Role = Literal["key", "feature", "leak", "label"]

CARRIERS = ("9E", "AA", "AS", "B6", "DL", "EV", "F9", "FL", "HA", "MQ", "OO", "UA", "US", "VX", "WN", "YV")
ORIGINS = ("EWR", "JFK", "LGA")
_DESTINATIONS = """
    ABQ ACK ALB ANC ATL AUS AVL BDL BGR BHM BNA BOS BQN BTV BUF BUR BWI BZN CAE CAK CHO CHS CLE CLT CMH
    CRW CVG DAY DCA DEN DFW DSM DTW EGE EYW FLL GRR GSO GSP HDN HNL HOU IAD IAH ILM IND JAC JAX LAS LAX
    LEX LGB MCI MCO MDW MEM MHT MIA MKE MSN MSP MSY MTJ MVY MYR OAK OKC OMA ORD ORF PBI PDX PHL PHX PIT
    PSE PSP PVD PWM RDU RIC ROC RSW SAN SAT SAV SBN SDF SEA SFO SJC SJU SLC SMF SNA SRQ STL STT SYR TPA
    TUL TVC TYS XNA
"""
DESTINATIONS = tuple(_DESTINATIONS.split())

LABEL = "late"
LATE_MINUTES = 15
"""A flight is late when it arrives this many minutes or more after its scheduled time."""


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
    """Digits after the point in the files. Fixed digits give the same bytes everywhere."""
    max_missing: float = 0.0
    """The largest share of empty fields in a month; 0 means that no field may be empty."""

    @property
    def nullable(self) -> bool:
        """Whether a value may be missing at all."""
        return self.max_missing > 0

    @property
    def allowed(self) -> str:
        """The allowed values as text for an error message."""
        if self.enum:
            shown = ", ".join(self.enum[:16])
            rest = len(self.enum) - 16
            return f"one of {shown}" + (f" and {rest} more" if rest > 0 else "")
        if self.name == "date":
            return "a date like 2013-07-31"
        word = "an integer" if self.kind == "integer" else "a number"
        words = f"{word} from {self.minimum:g} to {self.maximum:g}"
        return f"{words} {self.unit}".rstrip() + (" or nothing" if self.nullable else "")


COLUMNS: tuple[Column, ...] = (
    Column("date", "string", "key", "local day of departure"),
    Column("flight", "integer", "key", "flight number of the carrier", minimum=1, maximum=9999),
    Column("weekday", "integer", "feature", "day of the week, Monday is 1", minimum=1, maximum=7),
    Column("sched_dep", "integer", "feature", "scheduled departure, local time", "min", 0, 1439),
    Column("sched_arr", "integer", "feature", "scheduled arrival, local time", "min", 0, 1439),
    Column("carrier", "string", "feature", "two-letter code of the airline", enum=CARRIERS),
    Column("origin", "string", "feature", "airport of departure", enum=ORIGINS),
    Column("dest", "string", "feature", "airport of arrival", enum=DESTINATIONS),
    Column("distance", "integer", "feature", "between the airports", "miles", 10, 6000),
    Column("plane_age", "integer", "feature", "since the plane was made", "years", 0, 70, max_missing=0.3),
    Column("seats", "integer", "feature", "seats of the plane", "", 1, 600, max_missing=0.3),
    Column("temp", "number", "feature", "air temperature", "F", -40, 130, decimals=2, max_missing=0.1),
    Column("dewp", "number", "feature", "dew point", "F", -60, 100, decimals=2, max_missing=0.1),
    Column("humid", "number", "feature", "relative humidity", "%", 0, 100, decimals=2, max_missing=0.1),
    Column("wind_dir", "integer", "feature", "where the wind is from", "deg", 0, 360, max_missing=0.15),
    Column("wind_speed", "number", "feature", "wind", "mph", 0, 120, decimals=2, max_missing=0.1),
    Column("precip", "number", "feature", "rain in the hour", "in", 0, 9, decimals=2, max_missing=0.1),
    Column("pressure", "number", "feature", "at sea level", "mbar", 900, 1100, decimals=1, max_missing=0.4),
    Column("visib", "number", "feature", "visibility", "miles", 0, 10, decimals=2, max_missing=0.1),
    # Known only after departure. The file has it so that the gate has a leak to detect.
    Column("dep_delay", "integer", "leak", "departed this late, known afterwards", "min", -120, 1500),
    Column(LABEL, "integer", "label", f"1 when it arrived {LATE_MINUTES} or more minutes late", "", 0, 1),
)

BY_NAME: dict[str, Column] = {column.name: column for column in COLUMNS}
NAMES: tuple[str, ...] = tuple(BY_NAME)
FEATURES: tuple[str, ...] = tuple(column.name for column in COLUMNS if column.role == "feature")
LEAKS: frozenset[str] = frozenset(column.name for column in COLUMNS if column.role == "leak")


def json_schema(names: Iterable[str]) -> list[dict[str, Any]]:
    """The named columns as a JSON Schema: name, type, description, unit, bounds, enum, nullable."""
    described: list[dict[str, Any]] = []
    for column in (BY_NAME[name] for name in names):
        entry: dict[str, Any] = {
            "name": column.name,
            "type": column.kind,
            "description": column.description,
            "unit": column.unit,
            "nullable": column.nullable,
        }
        if column.enum:
            entry["enum"] = list(column.enum)
        if column.minimum is not None and column.maximum is not None:
            entry |= {"minimum": column.minimum, "maximum": column.maximum}
        described.append(entry)
    return described
