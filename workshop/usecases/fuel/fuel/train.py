"""Train one candidate, export it to ONNX, and fail when the two disagree.

    python -m fuel.train linear      writes models/linear/model.onnx and model.json

The metrics are those of the exported graph, which is served, on the test cars. Nothing is pickled. The model is logged
to MLflow when MLFLOW_TRACKING_URI is set.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd
from delivery import drift, graph, origin, usecase
from delivery.cli import exit_code, say
from delivery.errors import DeliveryError
from threadpoolctl import threadpool_limits

from fuel import candidates, card, data, export, metrics, tracking
from fuel.card import CARD, MODEL, Card, Sample
from fuel.paths import HOME, write
from fuel.schema import BY_NAME, FEATURES, NUMBERS, UNIT, WORDS, json_schema

SAMPLE_ROWS = 20
SLICE_VALUES = 20
"""The largest number of values of a slice: each is six counters of every model server."""


def train(
    candidate: str, params: dict[str, Any], cars: pd.DataFrame, version: str, slices: Sequence[str]
) -> tuple[bytes, Card]:
    """Fit, export, compare and measure. Returns the model's bytes and its card.

    `params` is params.yaml, `slices` those of usecase.yaml. DeliveryError when ONNX and scikit-learn differ by more
    than gate.max_parity on a test car, and for a slice that is no feature.
    """
    every = int(params["split"]["every"])
    learning, test = data.split(cars, every)
    pipeline = candidates.build(candidate, params["candidates"])
    started = time.perf_counter()
    # One thread, so that a training gives the same model everywhere.
    with threadpool_limits(1):
        pipeline.fit(learning[[*WORDS, *NUMBERS]], data.truth(learning))
        seconds = time.perf_counter() - started
        reference = export.predicted_in_sklearn(pipeline, test)
    model = graph.export(pipeline, "fuel_consumption", WORDS, NUMBERS)
    running = graph.session(model)
    served = export.predicted(running, data.inputs(test))
    agreed = export.parity(reference, served)
    allowed = float(params["gate"]["max_parity"])
    if agreed.max_difference > allowed:
        raise DeliveryError(
            f"{candidate}: ONNX and scikit-learn differ by {agreed.max_difference:.1e} on test car {agreed.row} "
            f"({served[agreed.row]:.7f} against {reference[agreed.row]:.7f}), allowed: {allowed:.0e}",
            next="look at the steps of fuel/candidates.py that skl2onnx converts",
        )
    actual, mean = data.truth(test), float(data.truth(learning).mean())
    answered = export.predicted(running, data.inputs(learning))
    output_edges = metrics.edges(answered)
    rows = [data.inputs(test.iloc[[at]]) for at in range(min(SAMPLE_ROWS, len(test)))]
    return model, Card(
        candidate=candidate,
        inputs=json_schema(),
        params=params["candidates"][candidate],
        every=every,
        data_version=version,
        commit=origin.commit(),
        libraries=origin.libraries(),
        onnx_sha256=hashlib.sha256(model).hexdigest(),
        onnx_bytes=len(model),
        parity=asdict(agreed),
        metrics=asdict(metrics.score(actual, served, mean)),
        mean=mean,
        output_edges=output_edges,
        residual_edges=metrics.edges(served - actual),
        slices={name: values_of(name, learning) for name in slices},
        reference=drift.describe(
            {name: _as_sent(name, learning) for name in FEATURES},
            version,
            np.searchsorted(output_edges, answered),
            # The callers of the workshop send the cars of the test, again and again.
            stretch=len(test),
        ),
        sample=_sample(test, reference),
        train_seconds=round(seconds, 3),
        row_ms=round(graph.row_milliseconds(running, export.OUTPUT, rows), 4),
        target=UNIT,
    )


def values_of(name: str, learning: pd.DataFrame) -> list[str]:
    """The most frequent values of a slice, as texts in the order of the alphabet. DeliveryError if it is no feature."""
    allowed = [one for one in FEATURES if BY_NAME[one].kind != "number"]
    if name not in allowed:
        raise DeliveryError(f"{usecase.FILE}: slices: got {name!r}, allowed: {', '.join(allowed)}")
    found = pd.Series([str(value) for value in _as_sent(name, learning)]).value_counts(sort=True)
    return sorted(map(str, found.index[:SLICE_VALUES]))


def _as_sent(name: str, cars: pd.DataFrame) -> list[Any]:
    """The values of a column as a caller sends them: 16.5 instead of float32's, and None for an empty field."""
    column = BY_NAME[name]
    if column.kind == "string":
        return [str(value) for value in cars[name]]
    return [
        None if np.isnan(value) else int(value) if column.kind == "integer" else round(float(value), column.decimals)
        for value in cars[name]
    ]


def rows_of(cars: pd.DataFrame) -> list[list[Any]]:
    """The cars as a caller sends them, in the order of FEATURES."""
    return [list(row) for row in zip(*(_as_sent(name, cars) for name in FEATURES), strict=True)]


def _sample(test: pd.DataFrame, answers: export.Values) -> Sample:
    """Cars spread evenly over the years."""
    chosen = np.linspace(0, len(test) - 1, min(SAMPLE_ROWS, len(test))).astype(int)
    return Sample(list(FEATURES), rows_of(test.iloc[chosen]), [[float(answers[at])] for at in chosen])


def main(argv: list[str] | None = None) -> int:
    """Train a candidate."""
    parser = argparse.ArgumentParser(prog="python -m fuel.train", description=__doc__.split("\n", 1)[0])
    parser.add_argument("candidate", choices=sorted(candidates.CANDIDATES))
    candidate: str = parser.parse_args(argv).candidate
    slices = usecase.read(HOME).slices
    model, made = train(candidate, data.parameters(), data.read(), data.version(), slices)
    folder = HOME / "models" / candidate
    write(folder / MODEL, model)
    write(folder / CARD, card.dump(made))
    tracking.log_training(folder)
    say(
        f"{candidate}: RMSE {made.metrics['rmse']:.3f}, R2 {made.metrics['r2']:.3f}, "
        f"trained in {made.train_seconds:.1f} s, {made.onnx_bytes} bytes, "
        f"largest difference to scikit-learn {made.parity['max_difference']:.1e}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(exit_code(main))
