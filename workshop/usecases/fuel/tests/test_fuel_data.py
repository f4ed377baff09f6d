"""The data file: the bytes that Git names, in metric units, and what its check finds."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from fuel import data, validate
from fuel.schema import LABEL, NAMES

POINTER = Path(data.CARS).with_name("cars.csv.dvc")


def test_the_source_gives_the_bytes_that_git_names() -> None:
    (out,) = yaml.safe_load(POINTER.read_text())["outs"]
    content = data.render()
    assert (out["md5"], out["size"]) == (hashlib.md5(content, usedforsecurity=False).hexdigest(), len(content))


def test_units_are_metric(cars: pd.DataFrame) -> None:
    """18 miles per gallon, 307 cubic inches and 3504 pounds in the source."""
    first = cars.iloc[0]
    assert first["name"] == "chevrolet chevelle malibu"
    assert (first[LABEL], first["displacement"], first["weight"]) == (pytest.approx(13.07), 5031, 1589)


def test_every_car_with_a_known_consumption_is_there(cars: pd.DataFrame) -> None:
    assert len(cars) == 398
    assert cars[LABEL].notna().all()
    assert cars["horsepower"].isna().sum() == 6


def test_no_car_is_in_both_parts_and_each_year_is_in_the_test(cars: pd.DataFrame, params: dict[str, Any]) -> None:
    learning, test = data.split(cars, params["split"]["every"])
    assert len(learning) + len(test) == len(cars) and len(test) == 79
    assert set(test["year"]) == set(cars["year"])


def lines() -> list[str]:
    return data.render().decode().splitlines()


def test_the_committed_cars_have_no_fault(tmp_path: Path) -> None:
    file = tmp_path / "cars.csv"
    file.write_bytes(data.render())
    assert validate.findings(file) == []


@pytest.mark.parametrize(
    ("column", "value", "fault"),
    [
        ("cylinders", "four", "cars.csv:5: cylinders: got 'four', allowed: an integer from 2 to 12"),
        ("weight", "-900", "cars.csv:5: weight: got '-900', allowed: an integer from 400 to 3500 kg"),
        ("weight", "nan", "cars.csv:5: weight: got 'nan', allowed: an integer from 400 to 3500 kg"),
        ("acceleration", "nan", "cars.csv:5: acceleration: got 'nan', allowed: a number from 4 to 40 s"),
        ("origin", "Mars", "cars.csv:5: origin: got 'Mars', allowed: one of Europe, Japan, USA"),
        ("displacement", "", "cars.csv:5: displacement: got '', allowed: an integer from 500 to 9000 cm3"),
    ],
)
def test_a_wrong_value_is_named_by_line_and_column(tmp_path: Path, column: str, value: str, fault: str) -> None:
    table = lines()
    row = table[4].split(",")
    row[NAMES.index(column)] = value
    table[4] = ",".join(row)
    file = tmp_path / "cars.csv"
    file.write_text("\n".join(table) + "\n")
    (found,) = validate.findings(file)
    assert found == f"{tmp_path}/{fault}"


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", ":1: header: got an empty file, allowed: name,"),
        (b"name,mpg\n", ":1: header: got name,mpg, allowed: name,"),
        (b"\xff\xfe", "allowed: a CSV file in UTF-8"),
        ("\n".join(["a," * 3, *lines()]).encode(), ":1: header: got a,a,a,"),
        ("\n".join([*lines()[:60], "a,b"]).encode(), ":61: got 2 fields, allowed: 9"),
        ("\n".join(lines()[:20]).encode(), "got 19 cars, allowed: at least 50"),
    ],
    ids=["empty", "other columns", "no text", "no header", "cut", "few"],
)
def test_a_file_that_is_no_table_of_cars_is_one_finding(tmp_path: Path, content: bytes, fault: str) -> None:
    file = tmp_path / "cars.csv"
    file.write_bytes(content)
    (found,) = validate.findings(file)
    assert fault in found


def test_a_missing_file_is_a_finding(tmp_path: Path) -> None:
    (found,) = validate.findings(tmp_path / "none.csv")
    assert "No such file" in found
