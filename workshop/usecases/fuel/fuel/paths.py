"""The use case's folder: that of the package."""

from __future__ import annotations

from pathlib import Path

HOME = Path(__file__).resolve().parents[1]
CARS = HOME / "data/cars.csv"
SERVING = HOME / "models/serving"
REPORTS = HOME / "reports"


def write(file: Path, text: str | bytes) -> None:
    """Write a file of a stage, with its folder."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
