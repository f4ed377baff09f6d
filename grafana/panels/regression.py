"""Panels of a regression: its predictions and their quality."""

from __future__ import annotations

from grafana_foundation_sdk.builders import stat, table, timeseries
from grafana_foundation_sdk.models.dashboard import DynamicConfigValue

from grafana import look, queries
from grafana.config import TARGET, WINDOW
from grafana.look import PLAIN

BY_PREDICTOR = "{{predictor_name}}"
PREDICTOR = "predictor_name"
SCORES = {"Rows": queries.error_rows, "Error": queries.rmse}


def predictions() -> timeseries.Panel:
    """Predictions a second."""
    panel = look.series("Predictions", "Rows predicted a second. A request may hold many rows.", "cps")
    return panel.with_target(look.query(queries.predictions(by=PREDICTOR), BY_PREDICTOR))


def rmse() -> stat.Panel:
    """The root mean squared error of the rows with truth."""
    panel = look.figure(
        "Root mean squared error",
        f"Of {TARGET}, over the rows with truth in the time shown. Large errors count more than small ones.",
        "short",
        height=5,
    )
    return panel.with_target(look.now(queries.rmse()))


def known_rows() -> stat.Panel:
    """The number of rows with truth."""
    panel = look.figure(
        "Rows with truth", "Rows in the time shown for which the outcome was reported.", "short", height=5
    )
    return panel.decimals(0).with_target(look.now(queries.error_rows()))


def rmse_over_time() -> timeseries.Panel:
    """The root mean squared error over time."""
    panel = look.series(
        "Root mean squared error over time",
        "By predictor, over the chosen window. Dashed: in the model's test.",
        "short",
    )
    return (
        panel.override_by_regexp("/^in the test/", look.dashed(PLAIN))
        .with_target(look.query(queries.rmse(over=WINDOW, by=PREDICTOR), BY_PREDICTOR))
        .with_target(look.query(queries.reference("rmse", by=""), "in the test"))
    )


def champion_against_challenger() -> table.Panel:
    """The error of each predictor."""
    panel = look.grid(
        "Champion against challenger",
        "A row for each predictor, from its rows with truth in the time shown. The column Rows shows how reliable a "
        "row is: promote only with several hundred.",
        "short",
        17,
    )
    panel = panel.override_by_name("Rows", [DynamicConfigValue(id_val="decimals", value=0)])
    columns = {PREDICTOR: "Predictor"}
    for letter, (name, score) in zip("AB", SCORES.items(), strict=True):
        panel = panel.with_target(look.rows(score(by=PREDICTOR)))
        columns[f"Value #{letter}"] = name
    for transformation in look.joined(columns):
        panel = panel.with_transformation(transformation)
    return panel
