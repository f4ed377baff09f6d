"""What the page assumes is what the data of 2013 say, and nothing that the model would refuse."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from flights import reference
from flights.schema import BY_NAME, CARRIERS, DESTINATIONS, FEATURES, ORIGINS

KIT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def committed() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((KIT / reference.FILE).read_bytes())
    return found


def test_the_committed_file_is_what_its_source_gives() -> None:
    assert (KIT / reference.FILE).read_bytes() == reference.make(), "next: cd model && python -m flights.reference"


def test_an_edited_file_is_detected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reference, "make", lambda: b"{}\n")
    edited = tmp_path / "reference.json"
    edited.write_bytes(b"{ }\n")
    with pytest.raises(Exception, match=r"is not what its source gives, next: python -m flights\.reference"):
        reference.main(["--check", "--out", str(edited)])
    assert reference.main(["--out", str(edited)]) == reference.main(["--check", "--out", str(edited)]) == 0


def test_every_airport_and_airline_has_a_name(committed: dict[str, Any]) -> None:
    assert set(committed["airports"]) == {*ORIGINS, *DESTINATIONS}
    assert set(committed["carriers"]) == set(CARRIERS)
    assert len(set(committed["airports"].values())) == len(committed["airports"]), "and no two the same"


def test_the_model_takes_whatever_the_page_assumes(committed: dict[str, Any]) -> None:
    weather = committed["weather"]
    assert tuple(weather["columns"]) == FEATURES[-len(weather["columns"]) :]
    assert [len(month) for month in weather["typical"]] == [24] * 12
    skies = [hour for month in weather["typical"] for hour in month]
    skies += [sky for months in weather["conditions"].values() for sky in months if sky is not None]
    for sky in skies:
        for name, value in zip(weather["columns"], sky, strict=True):
            assert allowed(name, value), (name, value)
    for origin, routes in committed["routes"].items():
        for dest, (miles, minutes, planes) in routes.items():
            assert origin in ORIGINS and dest in DESTINATIONS and planes
            assert allowed("distance", miles) and 0 < minutes < 1440
            for carrier, (seats, age) in planes.items():
                assert carrier in CARRIERS and allowed("seats", seats) and allowed("plane_age", age), (origin, dest)


def allowed(name: str, value: float | None) -> bool:
    column = BY_NAME[name]
    if value is None:
        return column.nullable
    assert column.minimum is not None and column.maximum is not None
    return column.minimum <= value <= column.maximum and (column.kind != "integer" or value == int(value))
