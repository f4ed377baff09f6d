"""params.yaml, read and checked: the parameters of a training run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from flights import months
from flights.errors import FlightsError
from flights.paths import home
from flights.schema import BY_NAME, FEATURES


@dataclass(frozen=True, slots=True)
class Gate:
    """The bounds for a challenger. The comments in params.yaml give the units."""

    min_auc: float
    max_auc: float
    min_recall: float
    max_parity: float
    max_bytes: int
    max_row_ms: float
    max_loss_to_champion: float


@dataclass(frozen=True, slots=True)
class Params:
    """All of params.yaml."""

    train_months: tuple[int, ...]
    test_month: int
    features: tuple[str, ...]
    threshold: float
    candidates: dict[str, dict[str, Any]]
    gate: Gate

    @property
    def all_months(self) -> tuple[int, ...]:
        """The training months, then the test month."""
        return (*self.train_months, self.test_month)


def load(path: Path | None = None) -> Params:
    """The parameters. Raises FlightsError with the file and the key that is missing or not allowed."""
    file = path or home() / "params.yaml"
    try:
        raw = yaml.safe_load(file.read_text(encoding="utf-8"))
        train, test = months.parse(raw["months"]["train"]), months.parse(raw["months"]["test"])
        added, dropped = list(raw["features"]["add"] or []), set(raw["features"]["drop"] or [])
        parsed = Params(
            train_months=train,
            test_month=test[0],
            features=tuple(name for name in (*FEATURES, *added) if name not in dropped),
            threshold=float(raw["threshold"]),
            candidates={name: dict(values or {}) for name, values in raw["candidates"].items()},
            gate=Gate(**raw["gate"]),
        )
    except OSError as error:
        raise FlightsError(f"{file}: {error.strerror}, next: run in the folder of params.yaml") from error
    except (yaml.YAMLError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise FlightsError(f"{file}: {type(error).__name__}: {error}, next: git diff {file}") from error
    unknown = [name for name in (*added, *dropped) if name not in BY_NAME]
    if unknown:
        raise FlightsError(f"{file}: features: got {unknown[0]!r}, allowed: {', '.join(BY_NAME)}")
    if len(test) != 1 or set(train) & set(test):
        raise FlightsError(
            f"{file}: months.test: got {raw['months']['test']!r}, allowed: one month that is not in "
            f"months.train ({raw['months']['train']})"
        )
    return parsed
