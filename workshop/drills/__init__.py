"""Failure drills: each injects a failure, waits until an alert or a Task catches it, and takes it back.

A new drill is a module with a `DRILL` and one entry here.
"""

from __future__ import annotations

from workshop.drills import (
    bad_data,
    crash_loop,
    disarmed_gate,
    drifted_month,
    expired_secret,
    leaky_feature,
    mlflow_full,
    poisoned_feedback,
    schema_change,
    slow_model,
)
from workshop.drills.drill import Drill

DRILLS: dict[str, Drill] = {
    "bad-data": bad_data.DRILL,
    "schema-change": schema_change.DRILL,
    "leaky-feature": leaky_feature.DRILL,
    "disarmed-gate": disarmed_gate.DRILL,
    "slow-model": slow_model.DRILL,
    "crash-loop": crash_loop.DRILL,
    "drifted-month": drifted_month.DRILL,
    "poisoned-feedback": poisoned_feedback.DRILL,
    "expired-secret": expired_secret.DRILL,
    "mlflow-full": mlflow_full.DRILL,
}
