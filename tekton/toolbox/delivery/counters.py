"""The names of the metrics that say what a deployment did, and the selectors of their series.

They are a contract between those who count (the model server in `s2i/server`, the model in its `metrics()`) and those
who read (a canary's analysis here, dashboards and alerts in `grafana/`). A test scrapes the running parts and looks
for each. A statistical test needs whole events, so the selectors here get a range; dashboards want rates.
"""

from __future__ import annotations

REQUESTS = "seldon_api_executor_server_requests_seconds"
"""Histogram by predictor and HTTP status, counted by the model server under the executor's name."""
FEEDBACK = "seldon_api_model_feedback_total"
"""Feedback that was counted."""
FEEDBACK_AGAIN = "model_server_feedback_duplicates_total"
"""Feedback that was not counted, because the same replica has counted it before."""
PREDICTIONS = "model_predictions_total"
"""Rows by predicted `class`; a regression has one class, `value`."""
DECILES = "model_output_decile_total"
"""Rows by the tenth that the model's output fell into, label `decile`: of the positive class's probability, or of the
target's values in training."""
OUTCOMES = "model_feedback_total"
"""Rows of a classification whose truth is known, by `predicted` and `actual` class."""
CALIBRATION = "model_feedback_bin_total"
"""Rows of a classification whose truth is known, by `actual` class and by the `bin` that the positive class's
probability fell into: 0.00, 0.05, ... to 0.95, by its lower bound."""
PROBABILITIES = "model_feedback_probability_total"
"""Sum of the positive class's probability over the rows whose truth is known, by `bin`."""
SLICES = "model_feedback_slice_total"
"""Rows of a classification whose truth is known, by `slice` (a feature of `slices` in usecase.yaml), its `value`, and
the `predicted` and `actual` class. Values that training did not have, or too seldom, are `other`."""
ERRORS = "model_feedback_error_total"
"""Sum of |prediction - truth| to a `power` over the rows of a regression whose truth is known: 0 (rows), 1, 2 and 4.
Its `side` is `over` where the prediction is at least the truth, else `under`."""
ERROR_SLICES = "model_feedback_error_slice_total"
"""The same for the powers 0, 1 and 2, by `slice` (a feature of `slices` in usecase.yaml) and its `value`."""
BASELINE = "model_feedback_baseline_total"
"""Sum of squares of what a regression's mean in training misses of the known truths: R2 compares the model with it."""
RESIDUALS = "model_feedback_residual_total"
"""Rows of a regression whose truth is known, by the tenth of the test's residuals that theirs fell into, `decile`."""
TARGET = "model_target"
"""Gauge of a regression, 1: the label `target` is what it predicts, with its unit."""
FEATURES = "model_feature_rows_total"
"""Rows served by `feature` and by the `bin` of training that its value is in, counted by the model server."""
FEATURE_REFERENCE = "model_feature_reference"
"""Gauge: the share of the training rows by `feature` and `bin`."""
FEATURE_REFUSED = "model_feature_refused_total"
"""Requests refused because of a value of a `feature`."""
OUTPUT_REFERENCE = "model_output_reference"
"""Gauge: the share of the training rows by the `decile` of the model's output."""
REFERENCE = "model_reference"
"""Gauge: what the model scored in its test, by `measure`. Production is compared with it."""


def requests(namespace: str, deployment: str) -> str:
    """Prediction requests, by predictor and HTTP status."""
    return f'{REQUESTS}_count{{{_select(namespace, deployment)}, service="predictions"}}'


def latency_buckets(namespace: str, deployment: str) -> str:
    """Prediction requests answered within each bound, by predictor."""
    return f'{REQUESTS}_bucket{{{_select(namespace, deployment)}, service="predictions"}}'


def deciles(namespace: str, deployment: str) -> str:
    """Rows by predictor and decile of the model's output."""
    return f"{DECILES}{{{_select(namespace, deployment)}}}"


def truth(metric: str, namespace: str, deployment: str) -> str:
    """The rows whose truth is known, by predictor; `metric` is OUTCOMES or ERRORS."""
    return f"{metric}{{{_select(namespace, deployment)}}}"


def _select(namespace: str, deployment: str) -> str:
    return f'namespace="{namespace}", deployment_name="{deployment}"'
