"""The validator alone: what it accepts it hands on unchanged, what it refuses it can always explain."""

from __future__ import annotations

import contextlib
import math
import sys
from typing import Any

import numpy  # noqa: F401 so that rows become arrays
import pytest
from hypothesis import given
from hypothesis import strategies as st
from modelserver import arrays
from modelserver.columns import Column, parse_columns
from modelserver.errors import ServingError
from modelserver.validation import MANY_ROWS, RowValidator, sample_row

NAMES = st.lists(st.text(min_size=1, max_size=5), min_size=1, max_size=6, unique=True)
NUMBERS = st.integers(-(10**9), 10**9) | st.floats(-1e9, 1e9)
OF_TYPE = {"string": st.text(max_size=2), "integer": st.integers(-(10**9), 10**9), "number": st.floats(-1e9, 1e9)}
ANYTHING = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.lists(st.integers(), max_size=2)
    | st.dictionaries(st.text(max_size=2), st.integers(), max_size=2)
)


@st.composite
def columns(draw: st.DrawFn) -> tuple[Column, ...]:
    made = []
    for name in draw(NAMES):
        kind = draw(st.sampled_from(["string", "integer", "number"]))
        entry: dict[str, object] = {"name": name, "type": kind, "nullable": draw(st.booleans())}
        if kind != "string" and draw(st.booleans()):
            low, high = sorted([draw(NUMBERS), draw(NUMBERS)])
            if kind == "integer":
                low, high = math.floor(low), math.ceil(high)
            entry |= {"minimum": low, "maximum": high}
        if kind == "string" and draw(st.booleans()):
            entry["enum"] = ["a", "b"]
        made.append(entry)
    return parse_columns(made)


def fits(column: Column, value: Any) -> bool:
    """The rule, said once more and as plainly as can be."""
    if value is None:
        return column.nullable
    if column.type == "string":
        return type(value) is str and (not column.enum or value in column.enum)
    if type(value) not in (int, float) or not abs(value) <= sys.float_info.max:
        return False
    if column.type == "integer" and not (type(value) is int or (value.is_integer() and abs(value) <= 2**53)):
        return False
    if column.type == "integer" and not -(2**63) <= value < 2**63:
        return False
    low = -math.inf if column.minimum is None else column.minimum
    high = math.inf if column.maximum is None else column.maximum
    return bool(low <= value <= high)


@given(columns(), st.data())
def test_accepts_exactly_what_the_columns_allow(made: tuple[Column, ...], data: st.DataObject) -> None:
    validator = RowValidator(made, 10)
    row = [data.draw(ANYTHING) for _ in made]
    wrong = [column.name for column, value in zip(made, row, strict=True) if not fits(column, value)]
    if not wrong:
        (good,) = validator.rows([row])
        assert good == row
        assert all(type(v) is int for c, v in zip(made, good, strict=True) if c.type == "integer" and v is not None)
        assert all(type(v) is float for c, v in zip(made, good, strict=True) if c.type == "number" and v is not None)
    else:
        with pytest.raises(ServingError) as error:
            validator.rows([row])
        assert error.value.status == 400
        assert error.value.info.count("row 0, column ") >= min(len(wrong), 10)


@given(columns(), st.data())
def test_many_rows_are_checked_by_the_same_rules_as_one_row(made: tuple[Column, ...], data: st.DataObject) -> None:
    validator = RowValidator(made, 2 * MANY_ROWS)
    sample = list(sample_row(made).values())
    at = data.draw(st.integers(0, len(sample) - 1))
    strange = data.draw(data.draw(st.sampled_from([OF_TYPE[made[at].type], ANYTHING, st.just(math.nan)])))
    other = [*sample[:at], strange, *sample[at + 1 :]]
    rows = data.draw(st.permutations([sample] * MANY_ROWS + [other]))

    def said(rows: list[Any]) -> list[Any] | None:
        with contextlib.suppress(ServingError):
            return validator.rows(rows)
        return None

    alone = [said([row]) for row in rows]
    together = said(rows)
    if None in alone:
        assert together is None
    else:
        assert together == [row for one in alone if one is not None for row in one]
        assert [[type(v) for v in row] for row in together] == [[type(v) for v in one[0]] for one in alone if one]


@given(columns(), st.data())
def test_the_order_of_the_callers_names_does_not_matter(made: tuple[Column, ...], data: st.DataObject) -> None:
    validator = RowValidator(made, 10)
    sample = sample_row(made)
    shuffled = data.draw(st.permutations(list(sample)))
    expected = validator.rows([list(sample.values())])
    assert validator.rows([[sample[name] for name in shuffled]], shuffled) == expected
    assert validator.records([dict(sample)]) == expected


@pytest.mark.parametrize("value", [2**63 - 1, 2**63, 2**64 - 1, -(2**63), -(2**63) - 1])
def test_an_integer_too_large_for_an_array_is_refused(value: int) -> None:
    validator = RowValidator(parse_columns([{"name": "a", "type": "integer"}]), 10)
    if -(2**63) <= value < 2**63:
        assert arrays.from_rows(validator.rows([[value]]), validator.dtype).tolist() == [[value]]
    else:
        with pytest.raises(ServingError, match="allowed: integer of 64 bits"):
            validator.rows([[value]])


@given(columns())
def test_the_sample_row_is_always_allowed(made: tuple[Column, ...]) -> None:
    RowValidator(made, 1).records([dict(sample_row(made))])


@given(st.lists(ANYTHING, max_size=4) | ANYTHING, st.lists(st.text(max_size=3), max_size=4))
def test_nothing_breaks_the_validator(rows: object, names: list[str]) -> None:
    validator = RowValidator(parse_columns([{"name": "a", "type": "number"}, {"name": "b", "type": "string"}]), 10)
    # Nothing but rows, or an error that says something: any other exception fails the test.
    with contextlib.suppress(ServingError):
        assert validator.rows(rows, names)
    with contextlib.suppress(ServingError):
        assert validator.records(rows)
