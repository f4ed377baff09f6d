"""Seldon's entry point: the class that a model server loads by the name in .s2i/environment.

The code is in fuel/serve.py.
"""

from __future__ import annotations

from pathlib import Path

from fuel.serve import Served


class FuelConsumption(Served):
    """litres per 100 km of a row."""

    class_names = ("consumption",)

    def __init__(self, model_dir: str = "") -> None:
        super().__init__(model_dir or str(Path(__file__).resolve().parent / "models/serving"))
