"""The dashboard of the service: traffic, errors, latency and servers. It works for any model."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana.board import board, filled
from grafana.config import SERVING_UID
from grafana.panels import serving as panels

ROWS = {
    "Now": (
        panels.request_rate,
        panels.error_ratio,
        panels.refused_ratio,
        panels.slow_answers,
        panels.servers,
        panels.alerts,
    ),
    "Who answers": (panels.requests_by_predictor, panels.requests_by_code, panels.traffic_share),
    "How long it takes": (panels.latency, panels.latency_by_predictor, panels.latency_cells),
    "The servers": (panels.cpu, panels.memory, panels.model_errors),
    "What comes back": (panels.feedback,),
}


def build() -> Dashboard:
    """The dashboard."""
    return filled(
        board("Model serving", SERVING_UID, "One served model: requests, errors, latency, and the servers behind it."),
        ROWS,
    )
