"""The dashboard of a classification: its predictions, their drift, and their quality.

The use case has the names of the classes.
"""

from __future__ import annotations

from functools import partial

from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana.board import board, features, filled, slices, windows
from grafana.config import POSITIVE, QUALITY_UID, SLICES, USE_CASE
from grafana.panels import drift, output
from grafana.panels import quality as panels

OUTPUT = f"probability of {POSITIVE}"
ROWS = {
    "What the model says": (
        panels.predictions_by_class,
        panels.positive_share,
        partial(output.histogram, OUTPUT, output.PROBABILITIES),
    ),
    "Was it right": (
        panels.accuracy,
        panels.precision,
        panels.recall,
        panels.f1,
        panels.balanced_accuracy,
        panels.known_rows,
        panels.confusion,
        panels.champion_against_challenger,
        panels.balanced_accuracy_over_time,
        panels.missed_over_time,
        panels.f1_over_time,
    ),
    "Are its probabilities right": (panels.reliability, panels.calibration_error, panels.calibration),
    **({"Where is it right": (panels.slices,)} if USE_CASE.slices else {}),
    "Has it moved from training": drift.panels(OUTPUT),
    "Has it moved since a while ago": (
        panels.share_then_and_now,
        output.shift,
        partial(output.cells, OUTPUT, "0.{{decile}}"),
    ),
}


def build() -> Dashboard:
    """The dashboard."""
    about = "One served model: what it predicts, how that turned out, and whether the world has moved."
    built = windows(board("Model quality", QUALITY_UID, about)).with_variable(features())
    if USE_CASE.slices:
        built = built.with_variable(slices(SLICES))
    return filled(built, ROWS)
