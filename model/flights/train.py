"""Train one candidate, export it to ONNX, and fail when the two disagree.

    python -m flights.train logistic     writes models/logistic/model.onnx and model.json

The metrics are those of the exported graph, which is served, on the test month. Nothing is pickled. The model is logged
to MLflow when MLFLOW_TRACKING_URI is set.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd
from delivery import drift, origin, usecase
from threadpoolctl import threadpool_limits

from flights import candidates, card, export, features, metrics, params, tracking
from flights.card import CARD, MODEL, Card, Sample
from flights.cli import exit_code, say
from flights.errors import FlightsError
from flights.months import file_name
from flights.paths import home, write_atomic
from flights.pointers import version_of_data
from flights.schema import BY_NAME, json_schema

THREADS = 1
"""Two threads save a third of the trees' five seconds on idle cores.

On busy cores, more threads take ten times as long.
"""
SAMPLE_ROWS = 20
SLICE_VALUES = 20
"""The largest number of values of a slice: each is four counters of every model server."""


def train(
    candidate: str,
    given: params.Params,
    learning: pd.DataFrame,
    test: pd.DataFrame,
    version: str,
    slices: Sequence[str] = (),
) -> tuple[bytes, Card]:
    """Fit, export, compare and measure. Returns the model's bytes and its card. `slices` are those of usecase.yaml.

    Raises FlightsError when ONNX and scikit-learn differ by more than gate.max_parity on a row of the test frame, and
    for a slice that the schema does not have.
    """
    names = list(given.features)
    sliced = slices_of(slices, names, learning)
    pipeline = candidates.build(candidate, names, given.candidates)
    started = time.perf_counter()
    with threadpool_limits(THREADS):
        pipeline.fit(features.matrix(learning, names), features.labels(learning))
        seconds = time.perf_counter() - started
        reference = export.late_in_sklearn(pipeline, test, given.features)
    model = export.export(pipeline, given.features)
    running = export.session(model)
    served = export.late(running, features.inputs(test, names))
    agreed = export.parity(reference, served)
    if agreed.max_difference > given.gate.max_parity:
        # Line 1 is the header, and rows are counted from 0.
        where = f"data/{file_name(given.test_month)}:{agreed.row + 2}"
        raise FlightsError(
            f"{candidate}: ONNX and scikit-learn differ by {agreed.max_difference:.1e} on {where} "
            f"({served[agreed.row]:.9f} against {reference[agreed.row]:.9f}), allowed: "
            f"{given.gate.max_parity:.0e}, next: look at the steps of flights/candidates.py that skl2onnx converts"
        )
    quality = metrics.score(features.labels(test), served, given.threshold)
    scores = metrics.counts(features.labels(test), served)
    return model, Card(
        candidate=candidate,
        threshold=given.threshold,
        inputs=json_schema(names),
        params=given.candidates[candidate],
        train_months=list(given.train_months),
        test_month=given.test_month,
        data_version=version,
        commit=origin.commit(),
        libraries=origin.libraries(),
        onnx_sha256=hashlib.sha256(model).hexdigest(),
        onnx_bytes=len(model),
        parity=asdict(agreed),
        metrics=asdict(quality),
        train_seconds=round(seconds, 3),
        row_ms=round(export.row_milliseconds(running, test, given.features), 4),
        sample=_sample(test, names, reference),
        reference=_reference(learning, names, version, export.late(running, features.inputs(learning, names))),
        slices=sliced,
        scores=dict(zip(card.CLASSES, scores, strict=True)),
    )


def slices_of(wanted: Sequence[str], names: Sequence[str], learning: pd.DataFrame) -> dict[str, list[str]]:
    """The most frequent values of each slice, in the order of the alphabet. A slice that is no feature is left out.

    Raises FlightsError for a slice that is no text of the schema with allowed values.
    """
    found = {}
    allowed = [column.name for column in BY_NAME.values() if column.role == "feature" and column.enum]
    for name in wanted:
        if name not in allowed:
            raise FlightsError(f"{usecase.FILE}: slices: got {name!r}, allowed: {', '.join(allowed)}")
        if name in names:
            counts = Counter(learning[name].astype(str))
            # Equal counts in the order of the alphabet: the same values everywhere.
            found[name] = sorted(sorted(counts, key=lambda value: (-counts[value], value))[:SLICE_VALUES])
        else:
            # Feedback has the model's features only.
            say(f"quality is not counted by {name}, which is not a feature of this model")
    return found


def _reference(learning: pd.DataFrame, names: list[str], version: str, late: metrics.Probabilities) -> drift.Reference:
    """The distribution of the training rows, with numbers as callers send them: those of the file, not float32's."""
    rows = {name: learning[name].to_numpy() for name in names}
    for name, values in rows.items():
        if BY_NAME[name].kind != "string":
            rows[name] = np.round(values.astype(np.float64), BY_NAME[name].decimals)
    return drift.describe(rows, version, drift.deciles(late))


def _sample(test: pd.DataFrame, names: list[str], late: metrics.Probabilities) -> Sample:
    """Rows spread evenly over the month, so they are of many days, hours and airlines."""
    chosen = np.linspace(0, len(test) - 1, min(SAMPLE_ROWS, len(test))).astype(int)
    rows = [[plain(name, test[name].iloc[index]) for name in names] for index in chosen]
    return Sample(names, rows, [[1 - float(late[index]), float(late[index])] for index in chosen])


def plain(name: str, value: Any) -> Any:
    """A value as in the file: 75.02 instead of float32's 75.0199966, and None for an empty field."""
    column = BY_NAME[name]
    if column.kind == "string":
        return str(value)
    if np.isnan(value):
        return None
    return int(value) if column.kind == "integer" else round(float(value), column.decimals)


def main(argv: list[str] | None = None) -> int:
    """Train a candidate on the months of params.yaml."""
    parser = argparse.ArgumentParser(prog="python -m flights.train", description=__doc__.split("\n", 1)[0])
    parser.add_argument("candidate", choices=sorted(candidates.CANDIDATES))
    candidate: str = parser.parse_args(argv).candidate
    given, folder = params.load(), home() / "data"
    learning = features.read(given.train_months, folder)
    test = features.read([given.test_month], folder)
    slices = usecase.read(home()).slices
    model, made = train(candidate, given, learning, test, version_of_data(given, folder), slices)
    target = home() / "models" / candidate
    write_atomic(target / MODEL, model)
    card.dump(made, target / CARD)
    tracking.log_training(target)
    say(
        f"{candidate}: auc {made.metrics['auc']:.4f}, recall {made.metrics['recall']:.3f}, trained in "
        f"{made.train_seconds:.1f} s, {made.onnx_bytes} bytes, largest difference to scikit-learn "
        f"{made.parity['max_difference']:.1e}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(exit_code(main))
