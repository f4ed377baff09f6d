"""The settings of the queries: the use case, and the names of metrics and labels.

USE_CASE is the folder of a classification, by default `model/`. Its usecase.yaml has the classes. The names of metrics
that a canary also reads are in `delivery.counters`.
"""

from __future__ import annotations

import os
from pathlib import Path

from delivery import counters, usecase

USE_CASE = usecase.read(Path(os.environ.get("USE_CASE") or Path(__file__).parents[1] / "model"))

REQUESTS, FEEDBACK, PREDICTIONS = counters.REQUESTS, counters.FEEDBACK, counters.PREDICTIONS
FEEDBACK_AGAIN = counters.FEEDBACK_AGAIN
DECILES, OUTCOMES, REFERENCE = counters.DECILES, counters.OUTCOMES, counters.REFERENCE
ERRORS, ERROR_SLICES, BASELINE = counters.ERRORS, counters.ERROR_SLICES, counters.BASELINE
RESIDUALS, TARGET = counters.RESIDUALS, counters.TARGET

FEATURES, FEATURE_REFERENCE = counters.FEATURES, counters.FEATURE_REFERENCE

# What the recording rules make, by window: how far features and output are from training, and of how many rows.
FEATURE_DRIFT, FEATURE_ROWS = "feature:model_feature_drift:ratio", "feature:model_feature_rows:increase"
OUTPUT_DRIFT, OUTPUT_ROWS = "predictor:model_output_drift:ratio", "predictor:model_output_rows:increase"
UNSEEN, REFUSED = "feature:model_feature_unseen:share", "feature:model_feature_refused:share"

# What the recording rules make of the rows with truth: by tenth of the probability, and in all.
OBSERVED, PREDICTED = "decile:model_calibration_observed:ratio", "decile:model_calibration_predicted:ratio"
CALIBRATION_ERROR, TRUTH_ROWS = "predictor:model_calibration_error:ratio", "predictor:model_feedback_rows:increase"
DECILE_ROWS = "decile:model_feedback_rows:increase"
SLICES = counters.SLICES

ENOUGH_TRUTHS = 500
"""Rows with truth from which a calibration error is shown: with fewer, chance alone makes 0.05."""
FEWEST_ROWS = 100
"""Rows with truth from which a share of a slice or of a tenth is shown: it is off by 5 points in one of three."""
FEWEST_POSITIVES = 30
"""Positive rows from which the recall of a slice is shown, as a canary needs them."""

ENOUGH_ROWS = 2000
"""Rows in a window that is compared with training: as many as `delivery.drift.STRETCH`, which the bound is made of."""

MODEL_ERRORS = "model_server_model_errors_total"
"""Calls in which the model's own code failed, counted by the model server."""

SERVING_UID = "model-serving"
QUALITY_UID = "model-quality"
REGRESSION_UID = "regression-quality"
"""The uids do not change, because links and bookmarks contain them."""

DATASOURCE = "${datasource}"
"""A variable, so that the same file works with the lab's Prometheus and with OpenShift's Thanos."""

# Metrics of each model server's process.
CPU = "process_cpu_seconds_total"
MEMORY = "process_resident_memory_bytes"
STARTED = "process_start_time_seconds"

POSITIVE, NEGATIVE = USE_CASE.positive, USE_CASE.negative
"""The classes of the classification. The dashboard and the alerts of a regression need no names: see TARGET."""

PLACE = 'namespace=~"$namespace", deployment_name=~"$deployment"'
"""Matchers of the deployment that the dashboard's variables choose."""

SELECT = f'{PLACE}, predictor_name=~"$predictor", predictor_version=~"$version"'
"""Matchers of the chosen deployment, predictors and versions."""

SLICE = f'{SELECT}, slice="$slice"'
"""The same with the slice, a feature by whose values the quality is shown."""

CHOSEN = f'{PLACE}, predictor_name=~"$predictor"'
"""The same without the version, which what the recording rules make does not have."""

PODS = 'endpoint="metrics", namespace=~"$namespace", seldon_deployment_id=~"$deployment"'
"""Matchers of the deployment's scrape targets. The PodMonitor copies this label from the Pods."""

RATE = "$__rate_interval"
"""The window of a rate that is drawn over time: at least four scrapes."""

RANGE = "$__range"
"""The window of one value for the whole displayed time."""

WINDOW = "$window"
"""The window for measures that need many rows; a variable of the dashboard sets it."""

FASTEST, SLOWEST = 0.0001, 10.0
"""The first and the last bound of the latency histogram, in seconds. Quantiles outside them are unknown."""

RUNBOOK = "grafana/runbook.md"
"""The runbook's path in the repository."""

RUNBOOK_URL = os.environ.get("RUNBOOK_URL", "")
"""The absolute address of the runbook on your Git server. Empty means that alerts have the path only."""
