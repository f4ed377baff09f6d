"""What the values of one column of a CSV file are, one value after the other, in bounded memory."""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass, field

_INTEGER = re.compile(r"[+-]?(0|[1-9]\d{0,17})")
"""Without leading zeros, which a postcode may have."""
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?")
_ZEROS = re.compile(r"[+-]?0\d.*")
_DATE = re.compile(
    r"\d{4}-\d{1,2}-\d{1,2}([T ]\d{1,2}:\d{2}.*)?|\d{4}/\d{1,2}/\d{1,2}|\d{1,2}[./-]\d{1,2}[./-](\d{4}|\d{2})( .*)?"
)
VALUES = 200
"""Different values of a column that are counted."""
SEEN = 5000
"""Values of a column that are compared with each other, to notice an identifier."""
ENUM = 50
"""Different texts up to which a column allows only those."""
FEW = 12
"""Different values up to which a column is a slice."""
MOSTLY = 0.5
"""The share of numbers from which a column with texts is one of mixed types."""
INTEGER, NUMBER, STRING, DATE, EMPTY = "integer", "number", "string", "date", "empty"


@dataclass
class Column:
    """One column; `add` counts a value. A missing value is the empty text."""

    name: str
    is_text: bool = False
    """Whether the caller says that it is a text, whatever its values are."""
    rows: int = 0
    missing: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    first: dict[str, tuple[int, str]] = field(default_factory=dict)
    """The first line and value of each kind."""
    values: Counter[str] = field(default_factory=Counter)
    more_values: bool = False
    low: float = math.inf
    high: float = -math.inf
    decimals: int = 0
    mean: float = 0.0
    _squares: float = 0.0
    _seen: set[int] = field(default_factory=set)
    _compared: int = 0
    _last: float = -math.inf
    _rises: bool = True

    def add(self, value: str, line: int) -> None:
        """Count the value of a line."""
        self.rows += 1
        if value == "":
            self.missing += 1
            return
        kind = STRING if self.is_text else kind_of(value)
        self.kinds[kind] += 1
        self.first.setdefault(kind, (line, value))
        if value in self.values or len(self.values) < VALUES:
            self.values[value] += 1
        else:
            self.more_values = True
        if self._compared < SEEN:
            self._compared += 1
            self._seen.add(hash(value))
        if kind in (INTEGER, NUMBER):
            self._number(float(value), value)

    def _number(self, number: float, text: str) -> None:
        self.low, self.high = min(self.low, number), max(self.high, number)
        point = text.lower().partition("e")[0].partition(".")[2]
        self.decimals = max(self.decimals, min(len(point), 9) if "e" not in text.lower() else 9)
        self._rises = self._rises and number > self._last
        self._last = number
        # Welford's method: mean and squares in one pass.
        numbers = self.kinds[INTEGER] + self.kinds[NUMBER]
        before = number - self.mean
        self.mean += before / numbers
        self._squares += before * (number - self.mean)

    @property
    def known(self) -> int:
        """The rows that have a value."""
        return self.rows - self.missing

    @property
    def type(self) -> str:
        """integer, number, string, date or empty; of mixed types, the more frequent one."""
        if not self.known:
            return EMPTY
        numbers = self.kinds[INTEGER] + self.kinds[NUMBER]
        if numbers >= MOSTLY * self.known:
            return NUMBER if self.kinds[NUMBER] else INTEGER
        return DATE if self.kinds[DATE] >= MOSTLY * self.known else STRING

    @property
    def stray(self) -> tuple[int, str] | None:
        """The first line and value of a text in a column of numbers; None for a column of one type."""
        if self.type not in (INTEGER, NUMBER):
            return None
        return min((self.first[kind] for kind in (STRING, DATE) if kind in self.first), default=None)

    @property
    def deviation(self) -> float:
        """The standard deviation of the numbers."""
        numbers = self.kinds[INTEGER] + self.kinds[NUMBER]
        return math.sqrt(self._squares / numbers) if numbers else 0.0

    @property
    def is_constant(self) -> bool:
        """Whether it has at most one value."""
        return len(self.values) <= 1 and not self.more_values and not (self.missing and self.values)

    @property
    def is_identifier(self) -> bool:
        """Whether nearly each value is there once: names or keys, or integers that count the rows."""
        different = len(self._seen) / self._compared if self._compared else 0.0
        if self.type == STRING:
            return different > 0.5 and len(self._seen) > ENUM
        names_a_key = re.search(r"(^|[_ ])id$|^id([_ ]|$)|[a-z]Id$|ID$", self.name) is not None
        return self.type == INTEGER and different == 1 and (names_a_key or (self._rises and self._compared > ENUM))

    @property
    def has_few_values(self) -> bool:
        """Whether quality can be shown for each of its values."""
        return self.type in (STRING, INTEGER) and 2 <= len(self.values) <= FEW and not self.more_values

    @property
    def enum(self) -> list[str]:
        """Its texts, when they are few."""
        if self.type != STRING or self.more_values or len(self.values) > ENUM:
            return []
        return sorted(self.values)

    @property
    def bounds(self) -> tuple[float, float]:
        """The numbers with a tenth of their range on each side; not below 0 where no number is."""
        margin = (self.high - self.low) / 10 or abs(self.high) / 10 or 1.0
        low, high = self.low - margin, self.high + margin
        if self.low >= 0:
            low = max(0.0, low)
        digits = 0 if self.type == INTEGER else max(self.decimals, 2)
        scale = 10.0**digits
        return math.floor(low * scale) / scale, math.ceil(high * scale) / scale


def kind_of(value: str) -> str:
    """integer, number, date or string."""
    if _INTEGER.fullmatch(value):
        return INTEGER
    if _NUMBER.fullmatch(value) and not _ZEROS.fullmatch(value.partition(".")[0] or "1"):
        return NUMBER
    return DATE if _DATE.fullmatch(value) else STRING
