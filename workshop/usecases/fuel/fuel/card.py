"""model.json describes the model.onnx in the same folder: its source, its metrics, and rows to check it with.

Standard library only: training writes it, and the served model and the contract check of delivery read it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

NAME = "fuel-consumption"
"""The model's name in MLflow's registry and in its own metadata; `deployment` in usecase.yaml."""
OUTPUTS = ("consumption",)
MODEL, CARD = "model.onnx", "model.json"


@dataclass(frozen=True, slots=True)
class Sample:
    """Real rows of the test as a caller sends them, and scikit-learn's answer to each."""

    names: list[str]
    rows: list[list[Any]]
    answers: list[list[float]]


@dataclass(frozen=True, slots=True)
class Card:
    """The description of one model. The floats in `metrics` are of the test cars, in litres per 100 km."""

    candidate: str
    inputs: list[dict[str, Any]]
    params: dict[str, Any]
    every: int
    data_version: str
    commit: str
    libraries: dict[str, str]
    onnx_sha256: str
    onnx_bytes: int
    parity: dict[str, float]
    metrics: dict[str, float]
    mean: float
    """Of the consumption in training: what R2 compares the model with."""
    output_edges: list[float]
    """What divides the predictions for the training cars into tenths."""
    residual_edges: list[float]
    """What divides the residuals of the test into tenths."""
    slices: dict[str, list[str]]
    """The values in training of each feature by which errors are counted; all others are `other`."""
    reference: dict[str, Any]
    """The distribution of each column in training, and of the answers: what `delivery.drift` has described."""
    sample: Sample
    train_seconds: float
    row_ms: float
    name: str = NAME
    target: str = ""
    outputs: tuple[str, ...] = OUTPUTS

    @property
    def identity(self) -> str:
        """SHA-256 of the card without its two times: training the same commit on the same data gives the same value."""
        known = {name: value for name, value in asdict(self).items() if name not in ("train_seconds", "row_ms")}
        return hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()


def load(folder: Path) -> Card:
    """The model.json of a folder. Raises OSError, ValueError, KeyError or TypeError when it is missing or not one."""
    raw = json.loads((folder / CARD).read_text(encoding="utf-8"))
    return Card(**{**raw, "sample": Sample(**raw["sample"]), "outputs": tuple(raw["outputs"])})


def dump(card: Card) -> str:
    """The text of a model.json, one key a line."""
    return json.dumps(asdict(card), indent=1, allow_nan=False) + "\n"
