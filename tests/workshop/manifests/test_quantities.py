"""Quantities of Kubernetes as numbers."""

from __future__ import annotations

import pytest

from workshop.manifests.quantities import number, seconds


@pytest.mark.parametrize(
    ("text", "value"),
    [("500m", 0.5), ("2Gi", 2 * 2**30), ("1e3", 1000), ("1E3", 1000), ("3E", 3e18), ("4", 4), ("0.1", 0.1), (7, 7)],
)
def test_a_quantity_is_its_value_in_base_units(text: object, value: float) -> None:
    assert number(text) == value


@pytest.mark.parametrize("text", ["", "Gi", "1 Gi", "1gi", "one", None])
def test_what_is_no_quantity_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="is no quantity"):
        number(text)


@pytest.mark.parametrize(("text", "value"), [("20m", 1200), ("20m0s", 1200), ("1h0m1.5s", 3601.5), ("250ms", 0.25)])
def test_a_duration_is_its_seconds(text: str, value: float) -> None:
    assert seconds(text) == value


@pytest.mark.parametrize("text", ["", "20", "m", "20m ", "1d"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no duration"):
        seconds(text)
