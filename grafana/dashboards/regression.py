"""The dashboard of a regression: its predictions, their drift, and their errors.

It needs no names of a use case: the model exports what it predicts and the values of its slices.
"""

from __future__ import annotations

from functools import partial

from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana.board import board, features, filled, slices, target, windows
from grafana.config import ERROR_SLICES, ERRORS, REGRESSION_UID
from grafana.panels import drift, output
from grafana.panels import regression as panels

OUTPUT = "$target"
ROWS = {
    "What the model says": (
        panels.predictions,
        partial(output.histogram, OUTPUT, output.TENTHS),
        partial(output.cells, OUTPUT, "{{decile}}"),
    ),
    "Was it right": (
        panels.rmse,
        panels.mae,
        panels.bias,
        panels.r2,
        panels.known_rows,
        panels.residuals,
        panels.champion_against_challenger,
        panels.rmse_over_time,
        panels.mae_over_time,
        panels.bias_over_time,
    ),
    "Where is it right": (panels.slices,),
    "Has it moved from training": drift.panels(OUTPUT),
    "Has it moved since a while ago": (output.shift,),
}


def build() -> Dashboard:
    """The dashboard."""
    about = "One served regression: what it predicts, how far that was off, and whether the world has moved."
    built = windows(board("Regression quality", REGRESSION_UID, about, ERRORS))
    return filled(built.with_variable(features()).with_variable(slices(ERROR_SLICES)).with_variable(target()), ROWS)
