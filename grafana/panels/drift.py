"""Panels of what has moved from training: which feature, how far, and where to. They work for any use case."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from grafana_foundation_sdk.builders import barchart, bargauge, timeseries
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.dashboard import Panel

from grafana import look, queries
from grafana.config import ENOUGH_ROWS
from grafana.look import GREEN, RED, YELLOW

MEASURE = (
    "The population stability index against training, as a share of what is allowed: twice what some days of training "
    f"had, and at least 0.25. Of the last minute, or of the last hour where no minute had {ENOUGH_ROWS} rows"
)


def features_now() -> bargauge.Panel:
    """How far each feature is from training now."""
    panel = look.bars(
        "Which feature has moved",
        f"The ten farthest, by the newest values of the last hour. {MEASURE}. Above 100 % the feature is not as in "
        "training. The alert FeatureDrift compares the same values.",
        "percentunit",
    )
    return (
        panel.decimals(0)
        .thresholds(look.thresholds(GREEN, (0.5, YELLOW), (1, RED)))
        .no_value(f"Fewer than {ENOUGH_ROWS} rows in the last hour")
        .with_target(look.now(f"topk(10, {queries.latest_feature_drift()})", "{{feature}}"))
    )


def features_over_time() -> timeseries.Panel:
    """How far each feature is from training, over time."""
    panel = look.series("Features against training", f"{MEASURE}. A step shows when a feature moved.", "percentunit")
    panel = panel.no_value(f"Fewer than {ENOUGH_ROWS} rows in an hour")
    return look.limit(panel, 1).with_target(look.query(queries.feature_drift(), "{{feature}}"))


def feature_distribution() -> barchart.Panel:
    """The distribution of the chosen feature in training and now."""
    panel = look.columns(
        "$feature, served and in training",
        "The share of the rows in each bin. A number has bins of about equally many training rows, and a text has one "
        "for each of its most frequent values. below, above and unseen: training had no such value.",
        "percentunit",
        "Bin",
    )
    panel = panel.with_target(look.rows(queries.feature_share())).with_target(
        look.rows(queries.feature_share_in_training())
    )
    for transformation in look.joined({"bin": "Bin", "Value #A": "served", "Value #B": "in training"}):
        panel = panel.with_transformation(transformation)
    return panel


def predictions(output: str) -> timeseries.Panel:
    """How far the predictions are from training."""
    panel = look.series(
        "Predictions against training",
        f"{MEASURE}. Of the {output} by tenths, by predictor. The alert ModelDrift has the same query.",
        "percentunit",
    )
    panel = panel.no_value(f"Fewer than {ENOUGH_ROWS} rows in an hour")
    return look.limit(panel, 1).with_target(look.query(queries.output_drift(), "{{predictor_name}}"))


def unseen() -> timeseries.Panel:
    """The share of rows with texts that training did not have."""
    panel = look.series(
        "Values that training did not have",
        "The share of rows with a text, such as an airport, that no row of training had. The model answers them, and "
        "nothing says how well. The alert UnseenValues has the same query.",
        "percentunit",
    )
    panel = panel.no_value("Training had every value")
    return panel.with_target(look.query(queries.unseen(), "{{feature}}"))


def refused() -> timeseries.Panel:
    """The share of requests refused because of a feature."""
    panel = look.series(
        "Refused because of a feature",
        "The share of requests with a value that the model's schema does not allow, such as an unknown airport. They "
        "got no prediction, so they are in no other panel of this row. The alert FeatureRefused has the same query.",
        "percentunit",
    )
    panel = panel.no_value("No value was refused")
    return panel.with_target(look.query(queries.refused_by_feature(), "{{feature}}"))


def panels(output: str) -> tuple[Callable[[], Builder[Panel]], ...]:
    """All of them; `output` is what the model predicts."""
    return features_now, features_over_time, feature_distribution, partial(predictions, output), unseen, refused
