"""The counters that a promotion's analysis reads, by name: selectors of series, to which it adds a range.

Apart from queries.py because a statistical test needs whole events and so the raw samples, where a dashboard wants
rates. Both take their names from config.py. No import of the dashboards' SDK: a Task runs this.
"""

from __future__ import annotations

from grafana.config import OUTCOMES, PROBABILITY, REQUESTS


def requests(namespace: str, deployment: str) -> str:
    """Predictions asked for, by predictor and HTTP status."""
    return f'{REQUESTS}_count{{{_select(namespace, deployment)}, service="predictions"}}'


def latency_buckets(namespace: str, deployment: str) -> str:
    """Predictions answered within each bound, by predictor."""
    return f'{REQUESTS}_bucket{{{_select(namespace, deployment)}, service="predictions"}}'


def deciles(namespace: str, deployment: str) -> str:
    """Rows by predictor and the tenth that their probability fell into."""
    return f"{PROBABILITY}{{{_select(namespace, deployment)}}}"


def outcomes(namespace: str, deployment: str) -> str:
    """Rows whose truth is known, by predictor, what was predicted and what happened."""
    return f"{OUTCOMES}{{{_select(namespace, deployment)}}}"


def _select(namespace: str, deployment: str) -> str:
    return f'namespace="{namespace}", deployment_name="{deployment}"'
