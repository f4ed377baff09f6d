"""Which alerts real months and real mistakes would fire, computed from the files: the figures of grafana/README.md.

    PYTHONPATH=model python -m tests.bench.drift [--train 1-6] [--seeds 1,2,3]

A model is trained on the given months. September to December are then played at 50 flights a second, and looked at
every ten seconds as the recording rules do: the last minute of the features, and the last two minutes of the truths. A
seed chooses nine of ten flights.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from delivery import drift
from flights import data, export, features, months, params, train
from flights.traffic import KILOMETRES, flights_of
from numpy.typing import NDArray

MODEL = Path(__file__).resolve().parents[3] / "model"
SHARE, RATE, STEP, MINUTE, TRUTHS = 0.9, 50.0, 10.0, 60.0, 120.0
ENOUGH_ROWS, ENOUGH_TRUTHS, POINTS = 2000, 1000, 0.05

Rows = dict[str, NDArray[Any]]


@dataclasses.dataclass
class Played:
    """Flights in their order: columns, seconds at which they were asked and known, truth, probability, month."""

    rows: Rows
    asked: NDArray[np.float64]
    known: NDArray[np.float64]
    late: NDArray[np.bool_]
    expected: NDArray[np.float64]
    month: NDArray[np.int64]


def ratios(reference: drift.Reference, rows: Rows, chosen: NDArray[Any]) -> dict[str, float]:
    """The index of each feature of the chosen rows, as a share of what is allowed."""
    counted = drift.count(reference, {name: values[chosen] for name, values in rows.items()})
    return {
        one["name"]: drift.psi(counted[one["name"]], one["bins"]) / max(2 * one["usual"], 0.25)
        for one in reference["features"]
    }


def farthest(found: Mapping[str, float]) -> str:
    """The feature that is farthest from training."""
    name = max(found, key=lambda one: found[one])
    return f"{name} {found[name]:.0%}"


def play(wanted: list[int], folder: Path, names: list[str], session: Any, seed: int) -> Played:
    """Most flights of some months, at RATE a second on average."""
    labelled = [row for month in wanted for row in flights_of(month, folder).rows]
    chance = np.random.default_rng(seed)
    chosen = [row for row in labelled if chance.random() < SHARE]
    frame = pd.DataFrame({name: [row.values[name] for row in chosen] for name in names})
    _, numbers = features.order(names)
    typed = frame.astype(dict.fromkeys(numbers, np.float32))
    asked, known = (np.array([getattr(row, at) for row in chosen]) for at in ("asked_at", "known_at"))
    speed = RATE * (asked[-1] - asked[0]) / len(chosen)
    expected = export.late(session, features.inputs(typed, names))
    rows = {name: frame[name].to_numpy(dtype=None if name in numbers else object) for name in names}
    late = np.array([row.truth for row in chosen]) == 1
    month = np.array([int(row.values["date"][5:7]) for row in chosen])
    return Played(rows, (asked - asked[0]) / speed, (known - asked[0]) / speed, late, expected, month)


def main() -> int:
    """Print a line for each month and seed, then for each mistake."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.drift", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--train", default="1-6")
    parser.add_argument("--seeds", default="1,2,3")
    given = parser.parse_args()
    learned = months.parse(given.train)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data.make(range(1, 13), folder)
        settings = dataclasses.replace(
            params.load(MODEL / "params.yaml"), train_months=learned, test_month=max(learned) + 1
        )
        test = features.read([settings.test_month], folder)
        model, card = train.train("boosted", settings, features.read(learned, folder), test, "0" * 12)
        session, names = export.session(model), list(settings.features)
        print(f"trained on {given.train}")
        for seed in map(int, given.seeds.split(",")):
            played = play([9, 10, 11, 12], folder, names, session, seed)
            _months(played, card.reference, seed)
        _mistakes(card.reference, flights_of(7, folder).rows, names)
    return 0


def _months(played: Played, reference: drift.Reference, seed: int) -> None:
    ends = np.arange(STEP, played.asked[-1] + STEP, STEP)
    bounds = np.searchsorted(played.asked, ends)
    found: dict[int, list[tuple[float, dict[str, float], float]]] = {}
    for end, last in zip(ends, bounds, strict=True):
        asked = np.flatnonzero((played.asked > end - MINUTE) & (played.asked <= end))
        known = (played.known > end - TRUTHS) & (played.known <= end)
        far = ratios(reference, played.rows, asked) if len(asked) >= ENOUGH_ROWS else {"-": 0.0}
        share = float((played.late - played.expected)[known].mean()) if known.sum() >= ENOUGH_TRUTHS else 0.0
        found.setdefault(int(played.month[min(last, len(played.month) - 1)]), []).append((end, far, share))
    for number, windows in found.items():
        far = max((one for _, one, _ in windows), key=lambda one: max(one.values()))
        shares = [share for _, _, share in windows if share]
        fires = next((end - windows[0][0] for end, _, share in windows if share > POINTS), None)
        print(f"seed {seed}, month {number:>2}: farthest {farthest(far):<18} late beyond what is expected "
              f"{np.median(shares):.1%}, at most {max(shares):.1%}; ModelMisses "
              + ("does not fire" if fires is None else f"fires after {fires:.0f} s"))  # fmt: skip


def _mistakes(reference: drift.Reference, july: Any, names: list[str]) -> None:
    chance = np.random.default_rng(1)
    chosen = [july[at].values for at in chance.integers(0, len(july), 3000)]
    right = {name: np.array([row[name] for row in chosen], dtype=object) for name in names}
    every = np.arange(len(chosen))
    five_hours = 300
    mistakes: dict[str, Rows] = {
        "none": {},
        "kilometres for miles": {"distance": np.array([round(v * KILOMETRES) for v in right["distance"]])},
        "departures by UTC": {"sched_dep": np.array([(v + five_hours) % 1440 for v in right["sched_dep"]])},
        "no age of the plane": {"plane_age": np.array([None] * len(chosen), dtype=object)},
        "Celsius for Fahrenheit": {"temp": np.array([None if v is None else (v - 32) / 1.8 for v in right["temp"]])},
    }
    for name, wrong in mistakes.items():
        print(f"July, mistake: {name:<24} farthest {farthest(ratios(reference, right | wrong, every))}")


if __name__ == "__main__":
    sys.exit(main())
