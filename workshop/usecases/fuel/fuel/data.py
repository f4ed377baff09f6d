"""The cars: made from source/auto-mpg.csv, read as a table, split into learning and test.

    python -m fuel.data      the first stage of dvc.yaml: writes data/cars.csv and reports/cars.json

The source has miles per gallon, pounds and cubic inches; the file that DVC tracks has litres per 100 km, kilograms and
cubic centimetres, without the eight cars whose consumption is not known. The same source gives the same bytes.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import yaml
from delivery.cli import exit_code, say
from delivery.errors import DeliveryError
from numpy.typing import NDArray

from fuel.paths import CARS, HOME, REPORTS, write
from fuel.schema import BY_NAME, LABEL, NAMES, NUMBERS, WORDS

SOURCE = HOME / "source/auto-mpg.csv"
KILOGRAMS = 0.45359237
"""In a pound."""
CUBIC_CENTIMETRES = 16.387064
"""In a cubic inch."""
LITRES = 235.214583
"""Litres per 100 km of a car that goes one mile with a gallon of the United States."""

Inputs = dict[str, NDArray[np.object_] | NDArray[np.float32]]


class Split(NamedTuple):
    """The cars to learn from and those of the test, oldest first."""

    learning: pd.DataFrame
    test: pd.DataFrame


def render(source: Path = SOURCE) -> bytes:
    """The bytes of data/cars.csv."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(NAMES)
    with source.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["Miles_per_Gallon"]:
                writer.writerow(_car(row))
    return text.getvalue().encode()


def _car(row: dict[str, str]) -> list[str]:
    power = row["Horsepower"]
    values = {
        "cylinders": float(row["Cylinders"]),
        "displacement": float(row["Displacement"]) * CUBIC_CENTIMETRES,
        "horsepower": float(power) if power else None,
        "weight": float(row["Weight_in_lbs"]) * KILOGRAMS,
        "acceleration": float(row["Acceleration"]),
        "year": float(row["Year"][:4]),
        LABEL: LITRES / float(row["Miles_per_Gallon"]),
    }
    texts = {"name": row["Name"], "origin": row["Origin"]}
    return [texts[name] if name in texts else _number(name, values[name]) for name in NAMES]


def _number(name: str, value: float | None) -> str:
    return "" if value is None else f"{value:.{BY_NAME[name].decimals}f}"


def read(file: Path | None = None) -> pd.DataFrame:
    """All cars: texts as str, numbers as float32, as the ONNX graph receives them. Empty fields become NaN."""
    path = file or CARS
    kinds = {name: "object" if BY_NAME[name].kind == "string" else "float32" for name in NAMES}
    try:
        return pd.read_csv(
            path, dtype=kinds, keep_default_na=False, na_values={name: [""] for name in (*NUMBERS, LABEL)}
        )
    except FileNotFoundError as error:
        raise DeliveryError(f"{path} is not there", next="dvc repro cars") from error
    except ValueError as error:
        raise DeliveryError(f"{path}: {error}", next="python -m fuel.validate") from error


def split(cars: pd.DataFrame, every: int) -> Split:
    """Each `every`-th car is for the test, so that it has cars of each year."""
    chosen = np.arange(len(cars)) % every == every - 1
    return Split(cars[~chosen].reset_index(drop=True), cars[chosen].reset_index(drop=True))


def parameters() -> dict[str, Any]:
    """params.yaml. DeliveryError when it cannot be read, or a value that each stage needs is not one."""
    file = HOME / "params.yaml"
    try:
        found: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
        if int(found["split"]["every"]) < 2 or not found["candidates"] or not found["gate"]:
            raise ValueError("allowed: split.every of at least 2, candidates, gate")
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        raise DeliveryError(f"{file}: {type(error).__name__}: {error}", next=f"git diff {file}") from error
    return found


def inputs(cars: pd.DataFrame) -> Inputs:
    """The inputs of the ONNX graph: a row for each car, a column for each feature."""
    return {
        "words": cars[list(WORDS)].to_numpy(dtype=object),
        "numbers": cars[list(NUMBERS)].to_numpy(dtype=np.float32),
    }


def truth(cars: pd.DataFrame) -> NDArray[np.float64]:
    """The consumption of each car, shape (rows,)."""
    consumption: NDArray[np.float64] = cars[LABEL].to_numpy(dtype=np.float64)
    return consumption


def md5() -> str:
    """The MD5 of data/cars.csv, as DVC computes it. It names the content and protects against nothing."""
    try:
        return hashlib.md5(CARS.read_bytes(), usedforsecurity=False).hexdigest()
    except FileNotFoundError as error:
        raise DeliveryError(f"{CARS} is not there", next="dvc repro cars") from error


def version() -> str:
    """The version of the data: the beginning of its MD5."""
    return md5()[:12]


def main() -> int:
    """Have the file that the pointer in Git names, and say which one it is."""
    pointer = CARS.with_name("cars.csv.dvc")
    made = not CARS.exists()
    if made:
        write(CARS, render())
    expected = str(yaml.safe_load(pointer.read_text(encoding="utf-8"))["outs"][0]["md5"])
    if expected != md5():
        raise DeliveryError(
            f"{CARS} has the MD5 {md5()}, allowed: {expected} as {pointer.name} says",
            next="dvc checkout --force data/cars.csv.dvc, or dvc add data/cars.csv when the new bytes are meant",
        )
    # Only now: the cache gets no file but the one that Git names, and `dvc push` can share it.
    if made and not _in_cache(pointer):
        say("data/cars.csv is not in DVC's cache: `dvc push` will miss it")
    write(REPORTS / "cars.json", json.dumps({"data_version": version()}) + "\n")
    say(f"data/cars.csv, data version {version()}")
    return 0


def _in_cache(pointer: Path) -> bool:
    """Put the file of a pointer into DVC's cache; whether it is there. False also where there is no DVC."""
    command = [sys.executable, "-m", "dvc", "commit", "--quiet", "--force", str(pointer)]
    return subprocess.run(command, cwd=HOME, capture_output=True, check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(exit_code(main))
