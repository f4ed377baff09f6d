"""A created object is adopted by the first apply that changes it."""

from __future__ import annotations

from pathlib import Path

from tests.workshop.cluster.adoption import configmap, data_after


def test_a_field_that_is_no_longer_wanted_goes_and_one_of_others_stays(kubeconfig: Path, scratch: str) -> None:
    first, second = configmap(scratch, a="1", b="2"), configmap(scratch, a="3")
    data, mine = data_after(kubeconfig, scratch, first, second, between={"c": "theirs"})
    assert data == {"a": "3", "c": "theirs"} and mine == ["Apply"]
