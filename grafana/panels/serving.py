"""Panels of the service: traffic, errors, latency and servers. They do not depend on what the model predicts."""

from __future__ import annotations

from grafana_foundation_sdk.builders import bargauge, heatmap, stat, timeseries

from grafana import look, queries
from grafana.config import FASTEST, SLOWEST
from grafana.look import GREEN, RED, YELLOW

LATENCY_BOUNDS = look.bounds(FASTEST, SLOWEST)
BY_PREDICTOR = "{{predictor_name}}"


def request_rate() -> stat.Panel:
    """Requests a second."""
    panel = look.figure("Requests", "Prediction requests a second, over the chosen predictors.", "reqps")
    return panel.with_target(look.query(queries.requests()))


def error_ratio() -> stat.Panel:
    """The share of failed requests (5xx)."""
    panel = look.figure(
        "Failed",
        "Share of requests that the server failed (5xx). A caller's mistake (4xx) is not one. "
        "The alert ModelFailing has the same query.",
        "percentunit",
    )
    return panel.thresholds(look.thresholds(GREEN, (0.01, YELLOW), (0.05, RED))).with_target(
        look.query(queries.error_ratio())
    )


def refused_ratio() -> stat.Panel:
    """The share of refused requests (4xx)."""
    panel = look.figure(
        "Refused",
        "Share of requests that were refused with a reason (4xx). When it jumps, a caller has changed its "
        "requests, or a release has changed the rules.",
        "percentunit",
    )
    return panel.thresholds(look.thresholds(look.PLAIN, (0.05, YELLOW))).with_target(
        look.query(queries.refused_ratio())
    )


def slow_answers() -> stat.Panel:
    """The 95th percentile of latency."""
    panel = look.figure("p95 latency", "19 of 20 answers are faster than this.", "s").mappings(LATENCY_BOUNDS)
    return panel.thresholds(look.thresholds(GREEN, (0.1, YELLOW), (0.5, RED))).with_target(
        look.query(queries.latency(0.95))
    )


def servers() -> stat.Panel:
    """The number of servers that answer."""
    panel = look.figure(
        "Servers up",
        "Model servers of all predictors that answered Prometheus's last scrape; red when there is none.",
        "none",
    )
    return panel.thresholds(look.thresholds(RED, (1, GREEN))).with_target(look.query(queries.servers_up()))


def alerts() -> stat.Panel:
    """The number of firing alerts."""
    panel = look.figure(
        "Alerts firing",
        "Firing alerts of this namespace; grafana/runbook.md has a heading for each alert.",
        "none",
    )
    return panel.thresholds(look.thresholds(GREEN, (1, RED))).with_target(look.query(queries.firing_count()))


def requests_by_predictor() -> timeseries.Panel:
    """Requests by predictor."""
    panel = look.series(
        "Requests by predictor",
        "During a canary or an A/B test each predictor gets its share; after a promotion there is one. "
        "A shadow gets copies of the requests in addition.",
        "reqps",
        10,
    )
    return look.stacked(panel).with_target(look.query(queries.requests(by="predictor_name"), BY_PREDICTOR))


def requests_by_code() -> timeseries.Panel:
    """Requests by status."""
    panel = look.series(
        "Requests by status",
        "200 is a prediction, 4xx a request that was refused with a reason, 5xx a failure of the service.",
        "reqps",
    )
    for codes, color in (("/^2/", GREEN), ("/^4/", YELLOW), ("/^5/", RED)):
        panel = panel.override_by_regexp(codes, look.fixed(color))
    return look.stacked(panel).with_target(look.query(queries.requests_by_code(), "{{code}}"))


def traffic_share() -> bargauge.Panel:
    """The share of the requests that each predictor gets."""
    panel = look.bars(
        "Share of the requests",
        "The share of each predictor and version in the time shown: compare it with the weights of the "
        "SeldonDeployment or the Route. With few requests it differs by a few percent by chance.",
        "percentunit",
        6,
    )
    by = "predictor_name, predictor_version"
    return (
        panel.max(1)
        .decimals(1)
        .with_target(look.now(queries.request_share(by=by), "{{predictor_name}} ({{predictor_version}})"))
    )


def latency() -> timeseries.Panel:
    """Latency over time."""
    panel = look.series(
        "Latency",
        "Half of the answers are faster than p50, 99 of 100 faster than p99. Estimated inside histogram buckets from "
        f"{look.seconds(FASTEST)} to {look.seconds(SLOWEST)}; outside them only the bound is known, shown with ≤ or ≥.",
        "s",
    ).mappings(LATENCY_BOUNDS)
    for quantile, name in ((0.5, "p50"), (0.95, "p95"), (0.99, "p99")):
        panel = panel.with_target(look.query(queries.latency(quantile), name))
    return look.limit(panel, 0.5)


def latency_by_predictor() -> timeseries.Panel:
    """Latency by predictor."""
    panel = look.series(
        "p95 latency by predictor",
        "A canary that is slower than the champion is rolled back, however good its predictions are.",
        "s",
    ).mappings(LATENCY_BOUNDS)
    return panel.with_target(look.query(queries.latency(0.95, by="predictor_name"), BY_PREDICTOR))


def latency_cells() -> heatmap.Panel:
    """Latency as a heatmap."""
    panel = look.cells(
        "Latency distribution",
        "Answers in each latency bucket. Two dark bands mean two kinds of requests, for example one row and a "
        "thousand rows; a quantile would hide that.",
        "short",
        "s",
    )
    return panel.with_target(look.buckets(queries.latency_buckets()))


def cpu() -> timeseries.Panel:
    """CPU by server."""
    panel = look.series(
        "CPU by server",
        "Cores that each model server uses. A server with one worker is at its limit at 1: add a replica.",
        "none",
    )
    return panel.with_target(look.query(queries.cpu(), "{{pod}}"))


def memory() -> timeseries.Panel:
    """Memory by server."""
    panel = look.series(
        "Memory by server",
        "Resident memory of each model server. A line that only rises is a leak. Servers end at the Pod's limit.",
        "bytes",
    )
    return panel.with_target(look.query(queries.memory(), "{{pod}}"))


def model_errors() -> timeseries.Panel:
    """Errors in the model's code."""
    panel = look.series(
        "Errors in the model's code",
        "Calls in which the model raised, or returned a value that cannot be sent. Empty or zero in a healthy service.",
        "cps",
    )
    return panel.with_target(look.query(queries.model_errors(), "{{method}}"))


def feedback() -> timeseries.Panel:
    """Feedback that was counted, and feedback that was sent again."""
    panel = look.series(
        "Feedback",
        "Truths and rewards that callers send. Sent again: a caller that got no answer sends the same feedback about "
        "the same prediction a second time, and it is not counted. Each replica sees its own feedback alone.",
        "cps",
        24,
    )
    return panel.with_target(look.query(queries.feedback(), "counted")).with_target(
        look.query(queries.feedback_again(), "sent again, not counted")
    )
