"""Every query of the dashboards, by name.

Rates are over counters and sums come after rates, so a restart or a second replica changes nothing.
`$__rate_interval` is at least four scrapes wide. Never select a bucket by `le="1"`: Prometheus 3 writes
`1.0`.
"""

from __future__ import annotations

from grafana.config import (
    FEEDBACK,
    MODEL_ERRORS,
    NEGATIVE,
    OUTCOMES,
    PODS,
    POSITIVE,
    PREDICTIONS,
    PROBABILITY,
    REQUESTS,
    SELECT,
)

_ASKED = f'{REQUESTS}_count{{{SELECT}, service="predictions"}}'
_ASKED_5XX = f'{REQUESTS}_count{{{SELECT}, service="predictions", code=~"5.."}}'
_RATE = "[$__rate_interval]"
_RANGE = "[$__range]"


def request_rate() -> str:
    """Predictions asked for, a second."""
    return f"sum(rate({_ASKED}{_RATE}))"


def request_rate_by_predictor() -> str:
    """The same by predictor: how a canary or an A/B test shares the traffic."""
    return f"sum by (deployment_name, predictor_name) (rate({_ASKED}{_RATE}))"


def request_rate_by_code() -> str:
    """The same by HTTP status."""
    return f"sum by (code) (rate({_ASKED}{_RATE}))"


def error_ratio() -> str:
    """Share of requests that the server failed (5xx); 0 while nothing fails, nothing while nobody asks."""
    return f"(sum(rate({_ASKED_5XX}{_RATE})) or vector(0)) / (sum(rate({_ASKED}{_RATE})) > 0)"


def latency(quantile: float) -> str:
    """A quantile of the time to answer, in seconds, interpolated inside the executor's buckets."""
    buckets = f'{REQUESTS}_bucket{{{SELECT}, service="predictions"}}'
    return f"histogram_quantile({quantile}, sum by (le) (rate({buckets}{_RATE})))"


def latency_by_predictor(quantile: float) -> str:
    """The same by predictor."""
    buckets = f'{REQUESTS}_bucket{{{SELECT}, service="predictions"}}'
    return f"histogram_quantile({quantile}, sum by (le, predictor_name) (rate({buckets}{_RATE})))"


def servers_up() -> str:
    """Model servers that answered the last scrape."""
    return f"sum(up{{{PODS}}})"


def servers_down() -> str:
    """Model servers that did not."""
    return f"count(up{{{PODS}}} == 0) or vector(0)"


def model_error_rate() -> str:
    """Calls a second in which the model's own code failed."""
    return f"sum by (method) (rate({MODEL_ERRORS}{{{SELECT}}}{_RATE}))"


def predictions_by_class() -> str:
    """Rows predicted a second, by class."""
    return f"sum by (class) (rate({PREDICTIONS}{{{SELECT}}}{_RATE}))"


def positive_share_by_predictor() -> str:
    """Share of rows predicted positive: the first thing that moves when the data drifts."""
    positive = f'{PREDICTIONS}{{{SELECT}, class="{POSITIVE}"}}'
    every = f"{PREDICTIONS}{{{SELECT}}}"
    by = "sum by (predictor_name)"
    return f"{by} (rate({positive}{_RATE})) / {by} (rate({every}{_RATE}))"


def probability_deciles() -> str:
    """Rows by the tenth that their probability fell into, over the chosen time."""
    return f"sum by (decile) (increase({PROBABILITY}{{{SELECT}}}{_RANGE}))"


def feedback_rate() -> str:
    """Truths received a second."""
    return f"sum(rate({FEEDBACK}{{{SELECT}}}{_RATE}))"


def confusion() -> str:
    """Rows whose truth is known, by what was predicted and what happened, over the chosen time."""
    return f"sum by (actual, predicted) (increase({OUTCOMES}{{{SELECT}}}{_RANGE}))"


def accuracy() -> str:
    """Share of known rows that were right, over the chosen time."""
    right = " + ".join(f"({_outcomes(c, c)} or vector(0))" for c in (POSITIVE, NEGATIVE))
    return f"({right}) / ({_outcomes()} > 0)"


def precision() -> str:
    """Of the rows predicted positive, the share that were."""
    return f"({_outcomes(POSITIVE, POSITIVE)} or vector(0)) / ({_outcomes(predicted=POSITIVE)} > 0)"


def recall() -> str:
    """Of the rows that were positive, the share that was predicted."""
    return f"({_outcomes(POSITIVE, POSITIVE)} or vector(0)) / ({_outcomes(actual=POSITIVE)} > 0)"


def _outcomes(predicted: str = "", actual: str = "") -> str:
    chosen = [SELECT]
    if predicted:
        chosen.append(f'predicted="{predicted}"')
    if actual:
        chosen.append(f'actual="{actual}"')
    return f"sum(increase({OUTCOMES}{{{', '.join(chosen)}}}{_RANGE}))"
