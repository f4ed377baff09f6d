"""Panels of a classification: its predictions, their drift, and their quality."""

from __future__ import annotations

from grafana_foundation_sdk.builders import barchart, gauge, stat, table, timeseries
from grafana_foundation_sdk.models.common import TableAutoCellOptions, TableColoredBackgroundCellOptions
from grafana_foundation_sdk.models.dashboard import DynamicConfigValue

from grafana import look, queries
from grafana.config import ENOUGH_TRUTHS, FEWEST_POSITIVES, FEWEST_ROWS, NEGATIVE, POSITIVE, WINDOW
from grafana.look import BLUE, GREEN, ORANGE, PLAIN, RED, YELLOW
from grafana.panels.output import BY_PREDICTOR, PREDICTOR, PROBABILITIES

SCORES = {
    "Rows": queries.known_rows,
    "Accuracy": queries.accuracy,
    "Precision": queries.precision,
    "Recall": queries.recall,
    "F1": queries.f1,
    "Balanced accuracy": queries.balanced_accuracy,
}


# -- what the model says -----------------------------------------------------------------------------------


def predictions_by_class() -> timeseries.Panel:
    """Predictions by class."""
    panel = look.series("Predictions by class", "Rows predicted a second. A request may hold many rows.", "cps")
    for name, color in ((POSITIVE, ORANGE), (NEGATIVE, BLUE)):
        panel = panel.override_by_name(name, look.fixed(color))
    return look.stacked(panel).with_target(look.query(queries.predictions(), "{{class}}"))


def positive_share() -> timeseries.Panel:
    """The share of rows predicted positive."""
    panel = look.series(
        f"Share predicted {POSITIVE}",
        "By predictor. Dashed: the share on the model's test month. It needs no truth, so it is the first sign of "
        "drift: when it changes, the data or the model has changed.",
        "percentunit",
    )
    return (
        panel.max(1)
        .override_by_regexp("/^on the test month/", look.dashed(PLAIN))
        .with_target(look.query(queries.positive_share(over=WINDOW, by=PREDICTOR), BY_PREDICTOR))
        .with_target(look.query(queries.reference("positive_share", by=""), "on the test month"))
    )


# -- has it moved ------------------------------------------------------------------------------------------


def share_then_and_now() -> timeseries.Panel:
    """The share predicted positive, compared with an earlier time."""
    panel = look.series(
        f"Share predicted {POSITIVE}, now and $compare ago",
        "Solid: now. Dashed: the chosen time ago. A daily pattern changes both; drift changes one.",
        "percentunit",
    )
    return (
        panel.max(1)
        .override_by_name("$compare ago", look.dashed(PLAIN))
        .with_target(look.query(queries.positive_share(over=WINDOW), "now"))
        .with_target(look.query(queries.positive_share(over=WINDOW, ago="$compare"), "$compare ago"))
    )


# -- was it right ------------------------------------------------------------------------------------------


def accuracy() -> gauge.Panel:
    """Accuracy of the rows with truth."""
    panel = look.dial(
        "Accuracy",
        "Share of correct predictions, of the rows with truth in the time shown. A model that always predicts "
        f"{NEGATIVE} reaches the share of {NEGATIVE}, so look at the other gauges too.",
    )
    return panel.with_target(look.now(queries.accuracy()))


def precision() -> gauge.Panel:
    """Precision of the rows with truth."""
    panel = look.dial("Precision", f"Of the rows predicted {POSITIVE}, the share that were. Low: false alarms.")
    return panel.with_target(look.now(queries.precision()))


def recall() -> gauge.Panel:
    """Recall of the rows with truth."""
    panel = look.dial("Recall", f"Of the rows that were {POSITIVE}, the share that was predicted. Low: surprises.")
    return panel.with_target(look.now(queries.recall()))


def f1() -> gauge.Panel:
    """F1 of the rows with truth."""
    panel = look.dial("F1", "Harmonic mean of precision and recall. It rises when more rows are positive.")
    return panel.with_target(look.now(queries.f1()))


def balanced_accuracy() -> gauge.Panel:
    """Balanced accuracy of the rows with truth."""
    panel = look.dial(
        "Balanced accuracy",
        "Mean of the recall of both classes: guessing gets 50 % in any month. The other measures depend on the "
        "share of positives; this one falls when the model fits the data less. The alert ModelWorse uses it.",
    )
    return panel.thresholds(look.thresholds(RED, (0.55, YELLOW), (0.6, GREEN))).with_target(
        look.now(queries.balanced_accuracy())
    )


def known_rows() -> stat.Panel:
    """The number of rows with truth."""
    panel = look.figure(
        "Rows with truth",
        "Rows in the time shown for which the outcome was reported. With 100 rows, the gauges may be 10 points "
        "off by chance.",
        "short",
        height=5,
    )
    return panel.decimals(0).with_target(look.now(queries.known_rows()))


def confusion() -> table.Panel:
    """The confusion matrix of the rows with truth."""
    panel = look.grid(
        "Confusion matrix",
        "Rows: the outcome. Columns: the prediction. They are counters, so a restart loses nothing.",
        "short",
        7,
    )
    corner = "actual\\predicted"
    plain = DynamicConfigValue(id_val="custom.cellOptions", value=TableAutoCellOptions())
    panel = (
        panel.decimals(0)
        .color_scheme(look.shaded())
        .cell_options(TableColoredBackgroundCellOptions())
        .override_by_name(corner, [plain])
        .with_target(look.rows(queries.confusion()))
    )
    for transformation in look.matrix("actual", "predicted"):
        panel = panel.with_transformation(transformation)
    return panel


def champion_against_challenger() -> table.Panel:
    """All measures for each predictor."""
    panel = look.grid(
        "Champion against challenger",
        "A row for each predictor, from its rows with truth in the time shown. Requests are split at random, so "
        "the predictors can be compared. The column Rows shows how reliable a row is: promote only with "
        "several hundred.",
        "percentunit",
        17,
    )
    panel = panel.decimals(1).override_by_name(
        "Rows", [DynamicConfigValue(id_val="unit", value="short"), DynamicConfigValue(id_val="decimals", value=0)]
    )
    columns = {PREDICTOR: "Predictor"}
    for letter, (name, score) in zip("ABCDEF", SCORES.items(), strict=True):
        panel = panel.with_target(look.rows(score(by=PREDICTOR)))
        columns[f"Value #{letter}"] = name
    for transformation in look.joined(columns):
        panel = panel.with_transformation(transformation)
    return panel


def balanced_accuracy_over_time() -> timeseries.Panel:
    """Balanced accuracy over time."""
    panel = look.series(
        "Balanced accuracy over time",
        "By predictor, over the chosen window. Dashed: on the model's test month. Guessing gets 50 %.",
        "percentunit",
    )
    return (
        panel.max(1)
        .override_by_regexp("/^on the test month/", look.dashed(PLAIN))
        .with_target(look.query(queries.balanced_accuracy(over=WINDOW, by=PREDICTOR), BY_PREDICTOR))
        .with_target(look.query(queries.reference("balanced_accuracy", by=""), "on the test month"))
    )


def f1_over_time() -> timeseries.Panel:
    """F1 over time."""
    panel = look.series(
        "F1 over time",
        "By predictor, over the chosen window. Dashed: on the model's test month.",
        "percentunit",
    )
    return (
        panel.max(1)
        .override_by_regexp("/^on the test month/", look.dashed(PLAIN))
        .with_target(look.query(queries.f1(over=WINDOW, by=PREDICTOR), BY_PREDICTOR))
        .with_target(look.query(queries.reference("f1", by=""), "on the test month"))
    )


def missed_over_time() -> timeseries.Panel:
    """The share of positive rows that were not predicted, over time."""
    panel = look.series(
        f"{POSITIVE.capitalize()} and not predicted",
        "Share of the rows with truth, by predictor. Dashed: on the model's test month. It rises when the model fits "
        "the data less, and when there is more to miss.",
        "percentunit",
    )
    return (
        panel.override_by_regexp("/^on the test month/", look.dashed(PLAIN))
        .with_target(look.query(queries.missed_share(over=WINDOW, by=PREDICTOR), BY_PREDICTOR))
        .with_target(look.query(queries.reference("missed_share", by=""), "on the test month"))
    )


def calibration() -> timeseries.Panel:
    """The mean predicted probability and the actual share."""
    panel = look.series(
        "Expected and actual share",
        f"Solid: the mean predicted probability of {POSITIVE}. Dashed: the actual share, of the rows with truth. A "
        "lasting difference means that the probabilities are too low or too high and need calibration. The alert "
        "ModelMisses compares the two, of the rows with truth.",
        "percentunit",
        span=6,
    )
    return (
        panel.max(1)
        .override_by_name("actual", look.dashed(ORANGE))
        .with_target(look.query(queries.expected_positive_share(over=WINDOW, by=""), "expected"))
        .with_target(look.query(queries.actual_positive_share(over=WINDOW, by=""), "actual"))
    )


def reliability() -> barchart.Panel:
    """The observed rate and the mean predicted probability of each tenth."""
    panel = look.columns(
        "Reliability",
        f"For each tenth of the probability: the mean that the model predicted, and the share that was {POSITIVE}. A "
        "model is calibrated when both are equal. Of the rows with truth in the last quarter of an hour, by the tenths "
        f"that have {FEWEST_ROWS} of them.",
        "percentunit",
        "Tenth",
        span=9,
    )
    tenths = {str(at): {"text": PROBABILITIES[at], "index": at} for at in range(10)}
    named = DynamicConfigValue(id_val="mappings", value=[{"type": "value", "options": tenths}])
    panel = (
        panel.max(1)
        .no_value(f"No tenth has {FEWEST_ROWS} rows with truth")
        .override_by_name("Tenth", [named])
        .override_by_name("predicted", look.fixed(BLUE))
        .override_by_name("observed", look.fixed(ORANGE))
        .with_target(look.rows(queries.predicted_rate()))
        .with_target(look.rows(queries.observed_rate()))
    )
    for transformation in look.joined({"decile": "Tenth", "Value #A": "predicted", "Value #B": "observed"}):
        panel = panel.with_transformation(transformation)
    return panel


def calibration_error() -> timeseries.Panel:
    """The expected calibration error over time."""
    panel = look.series(
        "Calibration error",
        "The mean distance between predicted and observed, over the tenths, each with the weight of its rows (expected "
        "calibration error, Guo and others, 2017). By predictor, over a quarter of an hour, from "
        f"{ENOUGH_TRUTHS} rows with truth on. Dashed: on the model's test month.",
        "percentunit",
        span=9,
    )
    return (
        panel.no_value(f"Fewer than {ENOUGH_TRUTHS} rows with truth in a quarter of an hour")
        .override_by_regexp("/^on the test month/", look.dashed(PLAIN))
        .with_target(look.query(queries.calibration_error(), BY_PREDICTOR))
        .with_target(look.query(queries.reference("calibration_error", by=""), "on the test month"))
    )


# -- where was it right --------------------------------------------------------------------------------------


def slices() -> table.Panel:
    """Recall, missed share and rows by value of the chosen slice."""
    panel = look.grid(
        "Quality by $slice",
        "The value with the largest missed share comes first. Missed: the share of its rows that were "
        f"{POSITIVE} and not predicted. Recall needs {FEWEST_POSITIVES} rows that were {POSITIVE}, the missed share "
        f"{FEWEST_ROWS} rows: fewer are shown as too few. A model may be good on average and useless for one value.",
        "percentunit",
        24,
        11,
    )
    too_few = look.missing_as("too few")
    whole = [DynamicConfigValue(id_val="unit", value="short"), DynamicConfigValue(id_val="decimals", value=0)]
    panel = (
        panel.decimals(1)
        .no_value("No row with truth in the time shown")
        .override_by_name("Rows with truth", whole)
        .override_by_name("Missed", [too_few])
        .override_by_name("Recall", [too_few])
        .with_target(look.rows(queries.slice_missed_share()))
        .with_target(look.rows(queries.slice_recall()))
        .with_target(look.rows(queries.slice_rows()))
    )
    columns = {"value": "Value", "Value #A": "Missed", "Value #B": "Recall", "Value #C": "Rows with truth"}
    for transformation in look.joined(columns, largest="Missed"):
        panel = panel.with_transformation(transformation)
    return panel
