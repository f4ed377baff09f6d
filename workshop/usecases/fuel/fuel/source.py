"""Makes data/cars.csv from source/auto-mpg.csv: `python -m fuel.source`, the first stage of dvc.yaml.

The source has miles per gallon, pounds and cubic inches; the file that DVC tracks has litres per 100 km, kilograms and
cubic centimetres, without the eight cars whose consumption is not known. The same source gives the same bytes.
"""

from __future__ import annotations

import csv
import io
import subprocess
import sys
from pathlib import Path

from delivery.cli import exit_code, say
from delivery.tabular import stages
from delivery.tabular.contract import Contract
from delivery.tabular.project import Project

HOME = Path(__file__).resolve().parents[1]
SOURCE = HOME / "source/auto-mpg.csv"
KILOGRAMS = 0.45359237
"""In a pound."""
CUBIC_CENTIMETRES = 16.387064
"""In a cubic inch."""
LITRES = 235.214583
"""Litres per 100 km of a car that goes one mile with a gallon of the United States."""


def render(contract: Contract, source: Path = SOURCE) -> bytes:
    """The bytes of data/cars.csv."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(contract.names)
    with source.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["Miles_per_Gallon"]:
                car = _car(row, contract)
                writer.writerow([car[name] for name in contract.names])
    return text.getvalue().encode()


def _car(row: dict[str, str], contract: Contract) -> dict[str, str]:
    power = row["Horsepower"]
    values = {
        "cylinders": float(row["Cylinders"]),
        "displacement": float(row["Displacement"]) * CUBIC_CENTIMETRES,
        "horsepower": float(power) if power else None,
        "weight": float(row["Weight_in_lbs"]) * KILOGRAMS,
        "acceleration": float(row["Acceleration"]),
        "year": float(row["Year"][:4]),
        contract.label.name: LITRES / float(row["Miles_per_Gallon"]),
    }
    # Fixed digits give the same bytes everywhere.
    numbers = {name: "" if value is None else f"{value:.{contract[name].decimals}f}" for name, value in values.items()}
    return {"name": row["Name"], "origin": row["Origin"], **numbers}


def main() -> int:
    """Have the file that the pointer in Git names."""
    project = Project.of(HOME)
    file = project.contract.data
    made = not file.exists()
    if made:
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(render(project.contract))
    stages.data(project, "")
    # Only now: the cache gets no file but the one that Git names, and `dvc push` can share it.
    if made and not _in_cache(file.with_name(f"{file.name}.dvc")):
        say(f"{project.contract.file} is not in DVC's cache: `dvc push` will miss it")
    return 0


def _in_cache(pointer: Path) -> bool:
    """Put the file of a pointer into DVC's cache; whether it is there. False also where there is no DVC."""
    command = [sys.executable, "-m", "dvc", "commit", "--quiet", "--force", str(pointer)]
    return subprocess.run(command, cwd=HOME, capture_output=True, check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(exit_code(main))
