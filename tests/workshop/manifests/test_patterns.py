"""Regular expressions of clients."""

from __future__ import annotations

import pytest

from workshop.lab.controllers.pipelinesascode.globs import matches
from workshop.manifests.patterns import PatternError, compiled

EXPONENTIAL = "(a+)+$"


@pytest.mark.timeout(10)
def test_no_expression_takes_exponential_time() -> None:
    assert compiled(EXPONENTIAL).search("a" * 5000 + "b") is None
    assert not matches("*a" * 20 + "*b", "a" * 5000)


def test_expressions_are_those_of_go() -> None:
    assert compiled(r"^\pL+$").fullmatch("é")
    with pytest.raises(PatternError, match="invalid perl operator"):
        compiled("(?=a)")
    with pytest.raises(PatternError, match="invalid repetition size"):
        compiled("((a{100}){100}){100}")
