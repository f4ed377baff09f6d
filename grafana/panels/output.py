"""Panels of a model's output: the probability of a class, or the value of a regression, by tenths."""

from __future__ import annotations

from collections.abc import Sequence

from grafana_foundation_sdk.builders import barchart, heatmap, timeseries
from grafana_foundation_sdk.models.dashboard import DynamicConfigValue

from grafana import look, queries
from grafana.config import WINDOW
from grafana.look import YELLOW

BY_PREDICTOR = "{{predictor_name}}"
PREDICTOR = "predictor_name"
PROBABILITIES = tuple(f"{at / 10:g}-{(at + 1) / 10:g}" for at in range(10))
"""The labels of the tenths of a probability: their bounds."""
TENTHS = tuple(f"{at}. tenth" for at in range(1, 11))
"""The labels of the tenths of other values, whose bounds are those of training or of the test."""


def histogram(output: str, names: Sequence[str]) -> barchart.Panel:
    """The histogram of the predictions."""
    x = f"decile\\{PREDICTOR}"
    panel = look.columns(
        f"Predicted {output}",
        "Share of rows in each tenth, by predictor, over the time shown. Two models that get the same rows and differ "
        "here decide differently. For a probability, mass at both ends means a confident model.",
        "percentunit",
        x,
    )
    return tenths(panel, x, names, queries.probability_share())


def tenths(panel: barchart.Panel, x: str, names: Sequence[str], expr: str) -> barchart.Panel:
    """Columns by predictor for each tenth, of a query by `decile` and predictor."""
    options = {str(at): {"text": name, "index": at} for at, name in enumerate(names)}
    named = DynamicConfigValue(id_val="mappings", value=[{"type": "value", "options": options}])
    panel = panel.override_by_name(x, [named]).with_target(look.rows(expr))
    for transformation in look.matrix("decile", PREDICTOR):
        panel = panel.with_transformation(transformation)
    return panel


def shift() -> timeseries.Panel:
    """The distance between the histogram and an earlier one."""
    panel = look.series(
        "Shift of the predictions",
        "Share of rows in another tenth than the chosen time ago, by predictor: 0 is the same "
        "histogram, 1 a completely different one (total variation distance). Above the line, look at the "
        "data. It needs a few hundred rows in the window: with 100 rows, chance alone gives 0.1.",
        "percentunit",
    )
    moved = queries.probability_shift(over=WINDOW, ago="$compare")
    panel = panel.no_value("Nothing to compare with: no requests $compare ago")
    return look.limit(panel.max(1), 0.2, YELLOW).with_target(look.query(moved, BY_PREDICTOR))


def cells(output: str, names: str) -> heatmap.Panel:
    """The histogram over time."""
    panel = look.cells(
        f"{output[0].upper()}{output[1:]} over time",
        "Rows a second in each tenth. Drift moves the dark band.",
        "cps",
        "short",
    )
    return panel.with_target(look.query(queries.probability_rate(), names))
