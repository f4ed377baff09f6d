"""model.json describes the model.onnx in the same folder: its source, its metrics, and rows to check it with.

It needs the standard library only: training writes it, and the served model and the contract check of delivery read it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from flights.errors import FlightsError
from flights.paths import write_atomic

NAME = "flight-delay"
"""The model's name in MLflow's registry and in its own metadata; `deployment` in usecase.yaml."""
CLASSES = ("on_time", "late")
MODEL, CARD = "model.onnx", "model.json"


@dataclass(frozen=True, slots=True)
class Sample:
    """Real rows of the test month as a caller sends them, and scikit-learn's probabilities: on time, late."""

    names: list[str]
    rows: list[list[Any]]
    answers: list[list[float]]


@dataclass(frozen=True, slots=True)
class Card:
    """The description of one model. The floats in `metrics` are of the test month."""

    candidate: str
    threshold: float
    inputs: list[dict[str, Any]]
    params: dict[str, Any]
    train_months: list[int]
    test_month: int
    data_version: str
    commit: str
    libraries: dict[str, str]
    onnx_sha256: str
    onnx_bytes: int
    parity: dict[str, float]
    metrics: dict[str, float]
    train_seconds: float
    row_ms: float
    sample: Sample
    reference: dict[str, Any]
    """The distribution of each column in training, and of the answers: what `delivery.drift` has described."""
    slices: dict[str, list[str]] = field(default_factory=dict)
    """The most frequent values in training of each feature by which quality is counted; all others are `other`."""
    scores: dict[str, list[int]] = field(default_factory=dict)
    """By class: flights of the test month in each hundredth of the probability of late, see `metrics.counts`."""
    name: str = NAME
    outputs: list[str] = field(default_factory=lambda: list(CLASSES))

    @property
    def features(self) -> tuple[str, ...]:
        """The names of the raw columns, in the order of the graph's inputs."""
        return tuple(entry["name"] for entry in self.inputs)

    @property
    def identity(self) -> str:
        """SHA-256 of the card without its two times.

        Training the same commit on the same data again gives the same value.
        """
        known = {name: value for name, value in asdict(self).items() if name not in ("train_seconds", "row_ms")}
        return hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()


def load(file: Path) -> Card:
    """Read a model.json. Raises FlightsError when it does not exist or is not valid."""
    try:
        raw = json.loads(file.read_text(encoding="utf-8"))
        return Card(**{**raw, "sample": Sample(**raw["sample"])})
    except FileNotFoundError as error:
        raise FlightsError(f"{file} is not there, next: dvc repro") from error
    except (ValueError, KeyError, TypeError) as error:
        raise FlightsError(f"{file}: {error}, allowed: what python -m flights.train writes, next: dvc repro") from error


def dump(card: Card, file: Path) -> None:
    """Write the card atomically, one key a line."""
    write_atomic(file, (json.dumps(asdict(card), indent=1, allow_nan=False) + "\n").encode())
