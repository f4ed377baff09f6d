"""What delivery reads of a model.json: the model's name, its inputs and outputs, and rows with their answers.

The use case's training writes the file next to model.onnx; it may say much more. Standard library only.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from delivery.errors import DeliveryError

CARD, MODEL = "model.json", "model.onnx"


@dataclass(frozen=True, slots=True)
class Card:
    """`inputs` are columns in JSON Schema's words; `rows` have their values in the order of `names`.

    `answers` are what training computed for each row, in the order of `outputs`: a classification's probabilities, or
    the value of a regression.
    """

    name: str
    inputs: list[dict[str, Any]]
    outputs: list[str]
    names: list[str]
    rows: list[list[Any]]
    answers: list[list[float]]


def load(file: Path) -> Card:
    """Read a model.json; DeliveryError when it is missing or not one."""
    try:
        raw = json.loads(file.read_text(encoding="utf-8"))
        sample = raw["sample"]
        return Card(raw["name"], raw["inputs"], raw["outputs"], sample["names"], sample["rows"], sample["answers"])
    except FileNotFoundError as error:
        raise DeliveryError(f"{file} is not there", next="dvc repro") from error
    except (ValueError, KeyError, TypeError) as error:
        raise DeliveryError(
            f"{file}: {type(error).__name__}: {error}, allowed: what training writes", next="dvc repro"
        ) from error
