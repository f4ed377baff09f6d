"""Train one candidate, export it to ONNX, and fail when the two disagree.

The metrics are those of the exported graph, which is served, on the test rows. Nothing is pickled.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from delivery import drift, graph, origin, usecase
from delivery.errors import DeliveryError
from delivery.tabular import fitting, quality, table
from delivery.tabular.card import Card
from delivery.tabular.contract import NUMBER
from delivery.tabular.project import Project
from delivery.tabular.table import Values

SAMPLE_ROWS = 20
SLICE_VALUES = 20
"""The largest number of values of a slice: each is some counters of every model server."""


def train(project: Project, candidate: str, version: str) -> tuple[bytes, Card]:
    """Fit, export, compare and measure. Returns the model's bytes and its card. `version` is that of the data.

    DeliveryError when ONNX and the library differ by more than gate.max_parity on a test row, and for a slice that is
    no feature.
    """
    # Imported here: only training needs it.
    from threadpoolctl import threadpool_limits

    contract, (learning, test) = project.contract, project.rows
    if not len(test):
        raise DeliveryError(f"{contract.data}: got {len(learning)} rows, which are too few for a test")
    slices = {name: values_of(project, name, learning) for name in project.config.slices}
    learner = project.learner(candidate)
    started = time.perf_counter()
    # One thread, so that a training gives the same model everywhere.
    with threadpool_limits(1):
        learner.fit(project.features(learning), project.truth(learning))
        seconds = time.perf_counter() - started
        reference = learner.predict(project.features(test))
    model = learner.onnx()
    running = graph.session(model)
    served = fitting.predicted(running, table.inputs(contract, test))
    scale = 1.0 if project.classifies else float(project.truth(learning).std()) or 1.0
    agreed = fitting.parity(reference, served, scale)
    allowed = float(project.params["gate"]["max_parity"])
    if agreed.max_difference > allowed:
        raise DeliveryError(
            f"{candidate}: ONNX and the library differ by {agreed.max_difference:.1e} on test row {agreed.row} "
            f"({served[agreed.row]:.7f} against {reference[agreed.row]:.7f}), allowed: {allowed:.0e}",
            next=f"look at the steps of {project.config.package}/candidates.py that are converted",
        )
    actual, mean = project.truth(test), float(project.truth(learning).mean())
    answered = fitting.predicted(running, table.inputs(contract, learning))
    rows = [table.inputs(contract, test.iloc[[at]]) for at in range(min(SAMPLE_ROWS, len(test)))]
    own, tenths = _of_task(project, actual, served, answered)
    return model, Card(
        name=project.config.deployment,
        task=project.config.task,
        candidate=candidate,
        inputs=contract.json_schema(),
        outputs=list(project.outputs),
        params=dict(project.params["candidates"][candidate] or {}),
        every=int(project.params["split"]["every"]),
        data_version=version,
        commit=origin.commit(),
        libraries=origin.libraries(),
        onnx_sha256=hashlib.sha256(model).hexdigest(),
        onnx_bytes=len(model),
        parity=asdict(agreed),
        metrics=project.score(actual, served, mean),
        mean=mean,
        slices=slices,
        reference=drift.describe(
            {name: table.as_sent(contract, name, learning) for name in contract.features},
            version,
            tenths,
            # The callers of the workshop send the rows of the test, again and again.
            stretch=min(len(test), drift.STRETCH),
        ),
        sample=_sample(project, test, served),
        train_seconds=round(seconds, 3),
        row_ms=round(graph.row_milliseconds(running, running.get_outputs()[-1].name, rows), 4),
        **own,
    )


def _of_task(project: Project, actual: Values, served: Values, answered: Values) -> tuple[dict[str, Any], Any]:
    """The fields of the card that only one task has, and the tenth of each answer to the learning rows."""
    if project.classifies:
        scores = dict(zip(project.outputs, quality.hundredths(actual, served), strict=True))
        return {"threshold": project.threshold, "scores": scores}, drift.deciles(answered)
    edges = quality.edges(answered)
    own = {
        "target": project.config.target,
        "output_edges": edges,
        "residual_edges": quality.edges(served - actual),
    }
    return own, np.searchsorted(edges, answered)


def values_of(project: Project, name: str, learning: pd.DataFrame) -> list[str]:
    """The most frequent values of a slice, as texts in the order of the alphabet. DeliveryError if it is no feature."""
    allowed = [one for one in project.contract.features if project.contract[one].type != NUMBER]
    if name not in allowed:
        raise DeliveryError(f"{usecase.FILE}: slices: got {name!r}, allowed: {', '.join(allowed)}")
    sent = [str(value) for value in table.as_sent(project.contract, name, learning) if value is not None]
    return sorted(map(str, pd.Series(sent).value_counts(sort=True).index[:SLICE_VALUES]))


def _sample(project: Project, test: pd.DataFrame, answers: Values) -> dict[str, list[Any]]:
    """Rows spread evenly over the test."""
    chosen = np.linspace(0, len(test) - 1, min(SAMPLE_ROWS, len(test))).astype(int)
    return {
        "names": list(project.contract.features),
        "rows": table.rows_of(project.contract, test.iloc[chosen]),
        "answers": [_answer(project, float(answers[at])) for at in chosen],
        "truth": [round(float(value), 9) for value in project.truth(test.iloc[chosen])],
    }


def _answer(project: Project, value: float) -> Sequence[float]:
    return [1 - value, value] if project.classifies else [value]
