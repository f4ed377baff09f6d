"""The columns are consistent, and serving does not import what only training has."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from flights import advance, dictionary, months, params
from flights.errors import FlightsError
from flights.schema import COLUMNS, FEATURES, LEAKS, NAMES, json_schema

MODEL = Path(__file__).resolve().parents[2]


def test_the_leak_and_the_label_are_no_features() -> None:
    assert set(LEAKS) == {"dep_delay"}
    assert not {*LEAKS, "late", "date", "flight"} & set(FEATURES)


def test_every_column_describes_its_allowed_values() -> None:
    assert len(NAMES) == len(set(NAMES))
    for column in COLUMNS:
        assert column.allowed
        assert column.kind == "string" or (column.minimum is not None and column.maximum is not None)


def test_the_data_dictionary_is_what_the_schema_says() -> None:
    text = (MODEL / dictionary.FILE).read_text(encoding="utf-8")
    assert text == dictionary.text(), "next: python -m flights.dictionary"
    rows = {line.split("`")[1]: line for line in text.splitlines() if line.startswith("| `")}
    assert tuple(rows) == NAMES
    assert "| number | F | a number from -40 to 130 | 10% | yes | feature | air temperature |" in rows["temp"]
    assert "| no | no | none: a leak |" in rows["dep_delay"] and "| no | no | label |" in rows["late"]


def test_json_schema_has_one_entry_a_feature() -> None:
    entries = {entry["name"]: entry for entry in json_schema(FEATURES)}
    assert tuple(entries) == FEATURES
    assert entries["origin"]["enum"] == ["EWR", "JFK", "LGA"]
    assert (entries["seats"]["type"], entries["seats"]["minimum"], entries["seats"]["nullable"]) == ("integer", 1, True)


@pytest.mark.parametrize(("text", "parsed"), [("7", (7,)), ("1-3,8", (1, 2, 3, 8)), (7, (7,)), ([1, 2], (1, 2))])
def test_months_are_read_as_written(text: str, parsed: tuple[int, ...]) -> None:
    assert months.parse(text) == parsed


@pytest.mark.parametrize("text", ["13", "0", "3-1", "july", "1--2", ""])
def test_other_months_are_refused(text: str) -> None:
    with pytest.raises(FlightsError, match="allowed: 1 to 12 written as 7, 1-6 or 1-3,8"):
        months.parse(text)


def edited(folder: Path, old: str, new: str) -> Path:
    file = folder / "params.yaml"
    text = (MODEL / "params.yaml").read_text()
    assert old in text
    file.write_text(text.replace(old, new))
    return file


def test_test_month_among_the_train_months_is_refused(tmp_path: Path) -> None:
    file = Path(shutil.copy(MODEL / "params.yaml", tmp_path))
    advance.edit(file, "1-6", 6)
    with pytest.raises(FlightsError, match=r"months\.test: got 6, allowed: one month that is not in months\.train"):
        params.load(file)


def test_unknown_feature_is_refused(tmp_path: Path) -> None:
    file = edited(tmp_path, "add: []", "add: [arr_delay]")
    with pytest.raises(FlightsError, match="features: got 'arr_delay', allowed: date, flight"):
        params.load(file)


def test_features_can_be_added_and_dropped(tmp_path: Path) -> None:
    edited(tmp_path, "add: []", "add: [dep_delay]")
    file = tmp_path / "params.yaml"
    file.write_text(file.read_text().replace("drop: []", "drop: [dest]"))
    assert params.load(file).features == (*(name for name in FEATURES if name != "dest"), "dep_delay")


@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        ("FlightDelay", {"pandas", "sklearn", "skl2onnx", "onnx", "mlflow", "dvc", "yaml"}),
        ("delivery.commands.contract", {"numpy", "onnxruntime", "pandas", "sklearn", "mlflow", "yaml"}),
        ("flights.schema", {"numpy", "yaml"}),
    ],
)
def test_module_does_not_import_what_its_image_does_not_have(module: str, heavy: set[str]) -> None:
    code = f"import sys, {module}; print(' '.join(set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", code], cwd=MODEL, capture_output=True, text=True, check=True)
    assert not heavy & set(ran.stdout.split())


def test_nothing_here_imports_the_workshop() -> None:
    for file in [*MODEL.glob("flights/*.py"), MODEL / "FlightDelay.py"]:
        assert "import workshop" not in file.read_text()
        assert "from workshop" not in file.read_text()
