"""What the queries depend on, in one place: names of metrics and labels, and who emits them.

Change the classes when your model has others. The metric names are a contract with the model server
(`s2i/server`) and the model (`model/`); a test scrapes the running parts and looks for each.
"""

from __future__ import annotations

SERVING_UID = "model-serving"
QUALITY_UID = "model-quality"
"""Fixed: links and bookmarks hold them."""

DATASOURCE = "${datasource}"
"""A variable, so that the same file works with the lab's Prometheus and OpenShift's Thanos."""

# Counted by the model server under the executor's names, so one dashboard serves both.
REQUESTS = "seldon_api_executor_server_requests_seconds"
FEEDBACK = "seldon_api_model_feedback_total"
MODEL_ERRORS = "model_server_model_errors_total"

# Counted by the model itself, in its `metrics()`.
PREDICTIONS = "model_predictions_total"
OUTCOMES = "model_feedback_total"
PROBABILITY = "model_late_probability_total"
REFERENCE = "model_reference"
"""A gauge: what the model scored on its test month, by `measure`; what production is compared with."""

# The process of each model server.
CPU = "process_cpu_seconds_total"
MEMORY = "process_resident_memory_bytes"
STARTED = "process_start_time_seconds"

POSITIVE = "late"
NEGATIVE = "on_time"

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

RUNBOOK = "grafana/runbook.md"
"""Where alerts link to: a path in the repository, which a fork turns into its own URL."""
