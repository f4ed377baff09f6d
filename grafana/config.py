"""What the queries depend on, in one place: names of metrics and labels, and who emits them.

Change the classes when your model has others. The metric names are a contract with the model server
(`s2i/server`) and the model (`model/`); a test looks for an emitter of each.
"""

from __future__ import annotations

UID = "model-serving"
"""Fixed: links and bookmarks hold it."""

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

POSITIVE = "late"
NEGATIVE = "on_time"

SELECT = 'namespace=~"$namespace", deployment_name=~"$deployment"'
"""What the variables at the top of the dashboard choose."""

PODS = 'endpoint="metrics", namespace=~"$namespace", job=~".+/$deployment"'
"""The scrape targets of model servers. A PodMonitor's job is `<namespace>/<name>`, and the name is the
deployment's."""

RUNBOOK = "grafana/runbook.md"
"""Where alerts link to: a path in the repository, which a fork turns into its own URL."""
