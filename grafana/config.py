"""What the queries depend on, in one place: the use case, and the names of metrics and labels.

The use case is the folder that USE_CASE names, by default `model/`: its usecase.yaml says the classes. The names of
metrics that a canary reads as well are in `delivery.counters`.
"""

from __future__ import annotations

import os
from pathlib import Path

from delivery import counters, usecase

USE_CASE = usecase.read(Path(os.environ.get("USE_CASE") or Path(__file__).parents[1] / "model"))

REQUESTS, FEEDBACK, PREDICTIONS = counters.REQUESTS, counters.FEEDBACK, counters.PREDICTIONS
DECILES, OUTCOMES, ERRORS, REFERENCE = counters.DECILES, counters.OUTCOMES, counters.ERRORS, counters.REFERENCE

MODEL_ERRORS = "model_server_model_errors_total"
"""Calls in which the model's own code failed, counted by the model server."""

SERVING_UID = "model-serving"
QUALITY_UID = "model-quality"
"""Fixed: links and bookmarks hold them."""

DATASOURCE = "${datasource}"
"""A variable, so that the same file works with the lab's Prometheus and OpenShift's Thanos."""

# The process of each model server.
CPU = "process_cpu_seconds_total"
MEMORY = "process_resident_memory_bytes"
STARTED = "process_start_time_seconds"

POSITIVE, NEGATIVE = USE_CASE.positive, USE_CASE.negative
"""The classes of a classification; empty for a regression."""

TARGET = USE_CASE.target
"""What a regression predicts, with its unit; empty for a classification."""

OUTPUT = f"probability of {POSITIVE}" if POSITIVE else TARGET
"""What the deciles are of."""

PLACE = 'namespace=~"$namespace", deployment_name=~"$deployment"'
"""The deployment that the variables at the top of the dashboard choose."""

SELECT = f'{PLACE}, predictor_name=~"$predictor", predictor_version=~"$version"'
"""The same, and of it the predictors and versions that they choose."""

PODS = 'endpoint="metrics", namespace=~"$namespace", seldon_deployment_id=~"$deployment"'
"""The scrape targets of the deployment's model servers: the PodMonitor copies this label of the Pods."""

RATE = "$__rate_interval"
"""The window of what is drawn over time: at least four scrapes."""

RANGE = "$__range"
"""The window of one figure for the whole time that is shown."""

WINDOW = "$window"
"""The window of what needs many rows to mean anything, over time; chosen at the top."""

FASTEST, SLOWEST = 0.0001, 10.0
"""The first and the last bound of the latency histogram's buckets, in seconds. A quantile outside them is not known."""

RUNBOOK = "grafana/runbook.md"
"""Where alerts lead to: a path in the repository."""

RUNBOOK_URL = os.environ.get("RUNBOOK_URL", "")
"""The absolute address of that file on your Git server, if alerts are to link to it."""
