"""The dashboard of the model: its predictions, their drift, and their quality.

The use case decides its panels: a classification or a regression, and the names of classes or target.
"""

from __future__ import annotations

from delivery.usecase import CLASSIFICATION, REGRESSION
from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana.board import Rows, board, choice, features, filled, slices
from grafana.config import QUALITY_UID, USE_CASE
from grafana.panels import drift, regression
from grafana.panels import quality as panels

_CLASSIFICATION = {
    "What the model says": (panels.predictions_by_class, panels.positive_share, panels.probability_histogram),
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
    "Has it moved from training": drift.PANELS,
    "Has it moved since a while ago": (panels.share_then_and_now, panels.probability_shift, panels.probability_cells),
}

_REGRESSION = {
    "What the model says": (regression.predictions, panels.probability_histogram),
    "Was it right": (
        regression.rmse,
        regression.known_rows,
        regression.champion_against_challenger,
        regression.rmse_over_time,
    ),
    "Has it moved from training": drift.PANELS,
    "Has it moved since a while ago": (panels.probability_shift, panels.probability_cells),
}
ROWS: dict[str, Rows] = {CLASSIFICATION: _CLASSIFICATION, REGRESSION: _REGRESSION}
"""The rows of panels, by task."""


def build() -> Dashboard:
    """The dashboard."""
    about = "One served model: what it predicts, how that turned out, and whether the world has moved."
    built = (
        board("Model quality", QUALITY_UID, about)
        .with_variable(
            choice(
                "window",
                "Averaged over",
                "The window of shares and scores over time: wider is smoother, and later.",
                ("1m", "2m", "5m", "15m", "1h", "6h", "1d"),
                "2m",
            )
        )
        .with_variable(
            choice(
                "compare",
                "Compared with",
                "How long ago the time lies that the present is compared with.",
                ("5m", "15m", "1h", "6h", "1d", "7d"),
                "15m",
            )
        )
    )
    built = built.with_variable(features())
    if USE_CASE.slices:
        built = built.with_variable(slices())
    return filled(built, ROWS[USE_CASE.task])
