"""Names of participants: each fault of a list is shown before anything is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from workshop.cohort.names import LONGEST, checked, from_file, in_order, numbered
from workshop.errors import UsageError


def test_numbers_make_names() -> None:
    assert numbered(3) == ["user1", "user2", "user3"]
    assert numbered(1, "team-") == ["team-1"]


@pytest.mark.parametrize("count", [0, -1, 501])
def test_a_number_outside_the_limits_is_refused(count: int) -> None:
    with pytest.raises(UsageError, match="allowed are 1 to 500"):
        numbered(count)


def test_a_file_has_one_name_a_line_or_is_a_table(tmp_path: Path) -> None:
    path = tmp_path / "room.csv"
    path.write_text('\ufeffanna,Anna B.\n\n# late:\n  ben ; Ben\n"cem",x\n')
    assert from_file(path) == ["anna", "ben", "cem"]


def test_all_faults_are_listed_at_once() -> None:
    long = "x" * (LONGEST + 1)
    with pytest.raises(UsageError) as refused:
        checked(
            ["anna", "Anna", "anna", "b b", "müller", "-x", "x-", "a.b", "kube-x", "openshift", "", long], "room.txt"
        )
    said = str(refused.value)
    assert "11 faults" in said
    assert "'Anna' and 'anna' differ only in upper and lower case" in said and "'anna' is there twice" in said
    for name in ("b b", "müller", "-x", "x-", "a.b", "kube-x", "openshift", long):
        assert repr(name) in said


def test_a_name_fills_its_longest_namespace() -> None:
    assert checked(["x" * LONGEST], "room.txt") == ["x" * LONGEST]


def test_an_unreadable_file_is_an_error_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.txt"):
        from_file(tmp_path / "none.txt")
    (tmp_path / "empty.txt").write_text("# nobody\n")
    with pytest.raises(UsageError, match="no names"):
        from_file(tmp_path / "empty.txt")


def test_numbers_are_ordered_as_numbers() -> None:
    assert sorted(["user10", "user2", "anna", "user1"], key=in_order) == ["anna", "user1", "user2", "user10"]
