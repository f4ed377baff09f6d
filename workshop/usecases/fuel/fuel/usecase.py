"""The use case's functions for delivery: those of `delivery.usecase.UseCase`."""

from __future__ import annotations

from collections.abc import Sequence

from delivery import origin
from delivery.cli import say
from delivery.errors import DeliveryError
from delivery.tracking import reachable
from delivery.usecase import Champion, Check, LabelledRow, LabelledRows, Registered

from fuel import card, data, tracking
from fuel import gate as gates
from fuel.paths import SERVING
from fuel.schema import FEATURES
from fuel.train import rows_of


def labelled_rows(period: str) -> LabelledRows:
    """The cars of a model year (1982) with their consumption; by default the test cars.

    A car has no time of day at which somebody asks, so its rows have no times.
    """
    cars = data.read()
    if not period:
        chosen = data.split(cars, int(data.parameters()["split"]["every"])).test
    else:
        chosen = cars[cars["year"].isin([float(year) for year in periods(period)])]
    if chosen.empty:
        known = sorted({str(int(year)) for year in cars["year"]})
        raise DeliveryError(f"period: got {period!r}, allowed: a model year, {', '.join(known)}")
    rows = [
        LabelledRow(dict(zip(FEATURES, row, strict=True)), round(float(truth), 2))
        for row, truth in zip(rows_of(chosen), data.truth(chosen), strict=True)
    ]
    return LabelledRows(rows, FEATURES)


def periods(text: str) -> list[str]:
    """The model years that a text names: 1980-1982 is three of them."""
    first, _, last = text.partition("-")
    if not (first.isdigit() and (last or first).isdigit()):
        raise DeliveryError(f"period: got {text!r}, allowed: 1982 or 1980-1982")
    return [str(year) for year in range(int(first), int(last or first) + 1)]


def data_version() -> str:
    """The version of data/cars.csv."""
    return data.version()


def data_files() -> dict[str, str]:
    """The file with its MD5."""
    return {"data/cars.csv": data.md5()}


def gate(champion: Champion | None) -> Sequence[Check]:
    """The bounds of params.yaml, and the champion on the same test cars."""
    params, made = data.parameters(), card.load(SERVING)
    test = data.split(data.read(), int(params["split"]["every"])).test
    say(f"{made.candidate} {made.onnx_sha256[:12]}, tested on {len(test)} cars, RMSE in {made.target}")
    return gates.decide(SERVING, test, params["gate"], champion)


def run_of_chosen_model() -> Registered:
    """The MLflow run of the model in models/serving."""
    made = card.load(SERVING)
    tags = {
        "candidate": made.candidate,
        "data_version": made.data_version,
        "git_commit": origin.commit(),
        "onnx_sha256": made.onnx_sha256,
    }
    if committed_at := origin.committed_at():
        tags["committed_at"] = committed_at
    with reachable():
        return Registered(tracking.run_of(SERVING), tags)
