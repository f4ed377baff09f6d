"""The dashboard of the model: what it says, whether that has moved, whether it was right.

Nothing in it is about flights but the class names in `config.py`, so another binary classifier gets it too.
"""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana.board import board, choice, filled
from grafana.config import QUALITY_UID
from grafana.panels import quality as panels

ROWS = {
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
        panels.f1_over_time,
        panels.calibration,
    ),
    "Has it moved": (panels.share_then_and_now, panels.probability_shift, panels.probability_cells),
}


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
                ("2m", "5m", "15m", "1h", "6h", "1d"),
                "5m",
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
    return filled(built, ROWS)
