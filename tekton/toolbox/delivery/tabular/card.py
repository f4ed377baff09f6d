"""model.json describes the model.onnx in the same folder: its source, its metrics, and rows to check it with.

Training writes it. The served model reads it as JSON, and so does the contract check of `delivery.contract`.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from delivery.card import CARD
from delivery.errors import DeliveryError


@dataclass(frozen=True, slots=True)
class Card:
    """The description of one model. The floats in `metrics` are of the test rows."""

    name: str
    """The model's name in MLflow's registry and in its own metadata; `deployment` in usecase.yaml."""
    task: str
    candidate: str
    inputs: list[dict[str, Any]]
    outputs: list[str]
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
    """Of the label in training: what R2 compares a regression with; the share of positive rows."""
    slices: dict[str, list[str]]
    """The values in training of each feature by which quality is counted; all others are `other`."""
    reference: dict[str, Any]
    """The distribution of each column in training, and of the answers: what `delivery.drift` has described."""
    sample: dict[str, list[Any]]
    """Real rows of the test as a caller sends them, the graph's answers and the truth: names, rows, answers, truth."""
    train_seconds: float
    row_ms: float
    target: str = ""
    """Of a regression: what it predicts, with its unit."""
    threshold: float = 0.0
    """Of a classification: the probability from which a row is predicted positive."""
    output_edges: list[float] = field(default_factory=list)
    """Of a regression: what divides the predictions for the learning rows into tenths."""
    residual_edges: list[float] = field(default_factory=list)
    """Of a regression: what divides the residuals of the test into tenths."""
    scores: dict[str, list[int]] = field(default_factory=dict)
    """Of a classification, by class: rows of the test in each hundredth of the positive class's probability."""

    @property
    def identity(self) -> str:
        """SHA-256 of the card without its two times: training the same commit on the same data gives the same value."""
        known = {name: value for name, value in asdict(self).items() if name not in ("train_seconds", "row_ms")}
        return hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()


def load(file: Path) -> Card:
    """Read a model.json. DeliveryError when it is missing or not one."""
    try:
        return Card(**json.loads(file.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise DeliveryError(f"{file} is not there", next="dvc repro") from error
    except (ValueError, TypeError) as error:
        raise DeliveryError(f"{file}: {error}, allowed: what training writes", next="dvc repro") from error


def of(folder: Path) -> Card:
    """The card in a folder with a model."""
    return load(folder / CARD)


def dump(card: Card) -> str:
    """The text of a model.json, one key a line."""
    return json.dumps(asdict(card), indent=1, allow_nan=False) + "\n"
