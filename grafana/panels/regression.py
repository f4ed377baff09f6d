"""Panels of a regression: its predictions, and their quality. They need no names of a use case."""

from __future__ import annotations

from grafana_foundation_sdk.builders import barchart, stat, table, timeseries
from grafana_foundation_sdk.models.dashboard import DynamicConfigValue

from grafana import look, queries
from grafana.config import FEWEST_POSITIVES, WINDOW
from grafana.look import PLAIN
from grafana.panels import output
from grafana.panels.output import BY_PREDICTOR, PREDICTOR

SCORES = {"Rows": queries.error_rows, "RMSE": queries.rmse, "MAE": queries.mae, "Bias": queries.bias, "R2": queries.r2}
WHOLE = [DynamicConfigValue(id_val="decimals", value=0)]


def predictions() -> timeseries.Panel:
    """Predictions a second."""
    panel = look.series("Predictions", "Rows predicted a second. A request may hold many rows.", "cps")
    return panel.with_target(look.query(queries.predictions(by=PREDICTOR), BY_PREDICTOR))


def rmse() -> stat.Panel:
    """The root mean squared error."""
    return _now(
        "Root mean squared error",
        "Of $target, over the rows with truth in the time shown. Large errors count more than small ones. A canary is "
        "judged by it.",
        queries.rmse(),
    )


def mae() -> stat.Panel:
    """The mean absolute error."""
    return _now(
        "Mean absolute error",
        "Of $target, over the rows with truth in the time shown: how far a prediction is off on average.",
        queries.mae(),
    )


def bias() -> stat.Panel:
    """The mean residual."""
    return _now(
        "Bias",
        "The mean of prediction minus truth, over the rows with truth in the time shown. Above 0 the model predicts "
        "too much, below 0 too little.",
        queries.bias(),
    )


def r2() -> stat.Panel:
    """The share of the variation that the model explains."""
    return _now(
        "R2",
        "1 is best. 0 is a model that predicts the mean of training for each row; a worse one is below 0. Of the rows "
        "with truth in the time shown.",
        queries.r2(),
    )


def known_rows() -> stat.Panel:
    """The number of rows with truth."""
    return _now(
        "Rows with truth", "Rows in the time shown for which the outcome was reported.", queries.error_rows(), 4
    ).decimals(0)


def rmse_over_time() -> timeseries.Panel:
    """The root mean squared error over time."""
    return _over_time("Root mean squared error over time", queries.rmse(over=WINDOW, by=PREDICTOR), "rmse")


def mae_over_time() -> timeseries.Panel:
    """The mean absolute error over time."""
    return _over_time("Mean absolute error over time", queries.mae(over=WINDOW, by=PREDICTOR), "mae")


def bias_over_time() -> timeseries.Panel:
    """The mean residual over time."""
    return _over_time("Bias over time", queries.bias(over=WINDOW, by=PREDICTOR), "bias", signed=True)


def residuals() -> barchart.Panel:
    """The histogram of the residuals, in tenths of the test."""
    x = f"decile\\{PREDICTOR}"
    panel = look.columns(
        "Residuals against the test",
        "Share of rows with truth in each tenth of the test's residuals, from far too low to far too high. With errors "
        "as in the test, each tenth has 10 %. High columns at one end mean a bias, at both ends larger errors.",
        "percentunit",
        x,
        span=12,
    )
    return output.tenths(panel, x, output.TENTHS, queries.residual_share())


def champion_against_challenger() -> table.Panel:
    """All measures for each predictor."""
    panel = look.grid(
        "Champion against challenger",
        "A row for each predictor, from its rows with truth in the time shown. The column Rows shows how reliable a "
        "row is: promote only with several hundred.",
        "short",
        12,
        8,
    )
    panel = panel.decimals(3).override_by_name("Rows", WHOLE)
    columns = {PREDICTOR: "Predictor"}
    for letter, (name, score) in zip("ABCDE", SCORES.items(), strict=True):
        panel = panel.with_target(look.rows(score(by=PREDICTOR)))
        columns[f"Value #{letter}"] = name
    for transformation in look.joined(columns):
        panel = panel.with_transformation(transformation)
    return panel


def slices() -> table.Panel:
    """Error, mean residual and rows by value of the chosen slice."""
    panel = look.grid(
        "Errors by $slice",
        "The value with the largest error comes first. Bias: the mean of prediction minus truth. Both need "
        f"{FEWEST_POSITIVES} rows: fewer are shown as too few. A model may be good on average and bad for one value.",
        "short",
        24,
        9,
    )
    too_few = look.missing_as("too few")
    panel = (
        panel.decimals(3)
        .no_value("No row with truth in the time shown")
        .override_by_name("Rows with truth", WHOLE)
        .override_by_name("RMSE", [too_few])
        .override_by_name("Bias", [too_few])
        .with_target(look.rows(queries.slice_rmse()))
        .with_target(look.rows(queries.slice_bias()))
        .with_target(look.rows(queries.slice_error_rows()))
    )
    columns = {"value": "Value", "Value #A": "RMSE", "Value #B": "Bias", "Value #C": "Rows with truth"}
    for transformation in look.joined(columns, largest="RMSE"):
        panel = panel.with_transformation(transformation)
    return panel


def _now(title: str, description: str, expr: str, span: int = 5) -> stat.Panel:
    return look.figure(title, description, "short", span, 5).with_target(look.now(expr))


def _over_time(title: str, expr: str, measure: str, *, signed: bool = False) -> timeseries.Panel:
    about = "By predictor, over the chosen window. Dashed: in the model's test."
    panel = look.series(title, about, "short", signed=signed)
    return (
        panel.override_by_regexp("/^in the test/", look.dashed(PLAIN))
        .with_target(look.query(expr, BY_PREDICTOR))
        .with_target(look.query(queries.reference(measure, by=""), "in the test"))
    )
