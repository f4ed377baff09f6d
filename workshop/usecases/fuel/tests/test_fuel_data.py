"""The data file: the bytes that Git names, in metric units, and what its check finds."""

from __future__ import annotations

import dataclasses
import hashlib
import shlex
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import yaml
from delivery import params
from delivery.tabular.contract import Contract
from delivery.tabular.project import Project
from delivery.tabular.validate import findings

POINTER = Path(__file__).resolve().parents[1] / "data/cars.csv.dvc"


@pytest.fixture
def contract(project: Project, tmp_path: Path) -> Contract:
    """The contract with a folder for a file of the test's own."""
    (tmp_path / "data").mkdir()
    return dataclasses.replace(project.contract, folder=tmp_path)


@pytest.fixture
def cars(project: Project) -> pd.DataFrame:
    return pd.concat(project.rows)


def lines(project: Project) -> list[str]:
    return project.contract.data.read_text().splitlines()


def test_the_source_gives_the_bytes_that_git_names(project: Project) -> None:
    (out,) = yaml.safe_load(POINTER.read_text())["outs"]
    content = project.contract.data.read_bytes()
    assert (out["md5"], out["size"]) == (hashlib.md5(content, usedforsecurity=False).hexdigest(), len(content))


def test_params_yaml_is_what_conf_composes(project: Project) -> None:
    set_for_this_run = shlex.split(params.noted(project.folder))
    assert project.params == params.read(project.folder, *set_for_this_run), "python -m delivery params composes it"


def test_units_are_metric(project: Project) -> None:
    """18 miles per gallon, 307 cubic inches and 3504 pounds in the source."""
    assert lines(project)[1] == "chevrolet chevelle malibu,8,5031,130,1589,12.0,1970,USA,13.07"


def test_every_car_with_a_known_consumption_is_there(cars: pd.DataFrame) -> None:
    assert len(cars) == 398
    assert cars["consumption"].notna().all()
    assert cars["horsepower"].isna().sum() == 6


def test_no_car_is_in_both_parts_and_each_year_is_in_the_test(project: Project, cars: pd.DataFrame) -> None:
    learning, test = project.rows
    assert len(learning) + len(test) == len(cars) and len(test) == 79
    assert set(test["year"]) == set(cars["year"])


def test_the_committed_cars_have_no_fault(project: Project) -> None:
    assert list(findings(project.contract)) == []


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
def test_a_wrong_value_is_named_by_line_and_column(
    project: Project, contract: Contract, column: str, value: str, fault: str
) -> None:
    table = lines(project)
    row = table[4].split(",")
    row[contract.names.index(column)] = value
    table[4] = ",".join(row)
    contract.data.write_text("\n".join(table) + "\n")
    (found,) = findings(contract)
    assert found == f"{contract.data.parent}/{fault}"


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (lambda _: b"", ":1: header: got an empty file, allowed: name,"),
        (lambda _: b"name,mpg\n", ":1: header: got name,mpg, allowed: name,"),
        (lambda _: b"\xff\xfe", "allowed: a CSV file in UTF-8"),
        (lambda table: "\n".join(["a," * 3, *table]).encode(), ":1: header: got a,a,a,"),
        (lambda table: "\n".join([*table[:60], "a,b"]).encode(), ":61: got 2 fields, allowed: 9"),
        (lambda table: "\n".join(table[:20]).encode(), "got 19 rows, allowed: at least 50"),
    ],
    ids=["empty", "other columns", "no text", "no header", "cut", "few"],
)
def test_a_file_that_is_no_table_of_cars_is_one_finding(
    project: Project, contract: Contract, content: Callable[[list[str]], bytes], fault: str
) -> None:
    contract.data.write_bytes(content(lines(project)))
    (found,) = findings(contract)
    assert fault in found


def test_a_missing_file_is_a_finding(contract: Contract) -> None:
    (found,) = findings(contract)
    assert "No such file" in found
