"""Both servers answer alike but for what the table lists, and everything that it lists is seen."""

from __future__ import annotations

from fnmatch import fnmatchcase

import pytest

from tests.s2i.parity.differences import DIFFERENCES, PAGE, Difference, page

LISTED = [row for rows in DIFFERENCES.values() for row in rows]


def takers(finding: str) -> list[str]:
    return [row.about for row in LISTED if any(fnmatchcase(finding, pattern) for pattern in row.seen)]


def test_every_difference_is_listed_once(findings: list[str]) -> None:
    assert {finding: about for finding in findings if len(about := takers(finding)) != 1} == {}


@pytest.mark.parametrize("row", LISTED, ids=lambda row: row.about)
def test_a_listed_difference_is_seen(findings: list[str], row: Difference) -> None:
    unseen = [pattern for pattern in row.seen if not any(fnmatchcase(finding, pattern) for finding in findings)]
    assert unseen == []


def test_the_page_says_what_the_table_says() -> None:
    assert PAGE.read_text() == page(), "next: make parity"
