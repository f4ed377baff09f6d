"""Constraints of hub versions, with cases of the library that Tekton uses (constraint_test.go of go-version)."""

from __future__ import annotations

from itertools import pairwise

import pytest

from workshop.lab.controllers.tekton.remote.versions import compare, constraints, newest, version

CASES = """
>= 1.0, < 1.2 | 1.1.5 | yes
< 1.0, < 1.2 | 1.1.5 | no
= 1.0 | 1.1.5 | no
= 1.0 | 1.0.0 | yes
1.0 | 1.0.0 | yes
!= 1.0 | 1.0.1 | yes
~> 1.0 | 2.0 | no
~> 1.0 | 1.1 | yes
~> 1.0.0 | 1.1 | no
~> 1.0.7 | 1.0.4 | no
~> 1.0.9.5 | 1.0.9.6 | yes
~> 1.0.9.5 | 1.0.9.5.0 | yes
~> 1.0.9.5 | 1.0.10 | no
~> 2.1.0-a | 2.2.0 | no
~> 2.1.0-a | 2.1.0-beta | yes
~> 2.1.0-a | 2.2.0-alpha | no
> 2.0 | 2.1.0-beta | no
>= 2.1.0-a | 2.1.0-beta | yes
>= 2.1.0-a | 2.1.1-beta | no
>= 2.0.0 | 2.1.0-beta | no
"""


@pytest.mark.parametrize("case", [line.split(" | ") for line in CASES.strip().splitlines()], ids=" ".join)
def test_constraints_are_those_of_go_version(case: list[str]) -> None:
    constraint, found, fulfils = case
    assert constraints(constraint)(version(found)) is (fulfils == "yes")


def test_versions_have_an_order_and_three_numbers() -> None:
    ascending = ["0.5", "0.10.0-alpha.1", "0.10.0-alpha.beta", "0.10.0-rc1", "0.10.0", "v0.10.0.1", "1"]
    parsed = [version(one) for one in ascending]
    assert [compare(one, other) for one, other in pairwise(parsed)] == [-1] * 6
    assert str(version("v0.5-a+b")) == "0.5.0-a+b" and compare(version("1.0+x"), version("1.0+y")) == 0
    assert newest(reversed(parsed)) == version("1") and newest([]) is None
    for wrong in ("", "latest", ">= 1.0;", "1.0 2.0", "> x"):
        with pytest.raises(ValueError, match="malformed"):
            constraints(wrong)
