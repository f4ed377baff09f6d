"""`flights.advance` moves the window by one month and keeps the rest of params.yaml."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from flights import advance, months, params
from flights.errors import FlightsError

MODEL = Path(__file__).resolve().parents[2]


def test_test_month_becomes_a_train_month(tmp_path: Path) -> None:
    file = Path(shutil.copy(MODEL / "params.yaml", tmp_path))
    advance.edit(file, "1-6", 7)
    before = file.read_text().splitlines()
    advance.edit(file, *advance.next_months((1, 2, 3, 4, 5, 6), 7))
    moved = params.load(file)
    assert (moved.train_months, moved.test_month) == ((1, 2, 3, 4, 5, 6, 7), 8)
    after = file.read_text().splitlines()
    assert sum(old != new for old, new in zip(before, after, strict=True)) == 2
    assert sum("#" in line for line in before) == sum("#" in line for line in after)


def test_december_is_the_last() -> None:
    with pytest.raises(FlightsError, match="the data ends with December"):
        advance.next_months((1,), 12)


@pytest.mark.parametrize("numbers", [(7,), (1, 2, 3), (1, 2, 3, 8), (2, 4)])
def test_months_are_written_as_they_are_read(numbers: tuple[int, ...]) -> None:
    assert months.parse(advance.written(numbers)) == numbers
