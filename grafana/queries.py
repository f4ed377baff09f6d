"""Every query, by name: the dashboards draw them, the alerts repeat them, a promotion decides by them.

`where` are label matchers without the braces, `over` is a window. Left out, they are what the dashboard's
variables choose; given, they make a query that Prometheus answers as it stands:

    queries.error_ratio(queries.where("user1-production", "flight-delay", "canary"), "2m")

`by` names the labels that stay. Rates are over counters and sums come after rates, so a restart or a second
replica changes nothing. Does not need the SDK of the dashboards. Never select a bucket by `le="1"`: Prometheus 3
writes `1.0`.
"""

from __future__ import annotations

from grafana.config import (
    CPU,
    DECILES,
    ERRORS,
    FASTEST,
    MEMORY,
    MODEL_ERRORS,
    NEGATIVE,
    OUTCOMES,
    PLACE,
    PODS,
    POSITIVE,
    PREDICTIONS,
    RANGE,
    RATE,
    REFERENCE,
    REQUESTS,
    SELECT,
    STARTED,
)

PREDICTOR = "predictor_name"


def where(namespace: str, deployment: str, predictor: str = "") -> str:
    """Matchers for one deployment, or for one predictor of it."""
    chosen = f'namespace="{namespace}", deployment_name="{deployment}"'
    return f'{chosen}, predictor_name="{predictor}"' if predictor else chosen


# -- the service -------------------------------------------------------------------------------------------


def requests(where: str = SELECT, over: str = RATE, by: str = "") -> str:
    """Predictions asked for, a second."""
    return _sum(by, f"rate({_asked(where)}[{over}])")


def requests_by_code(where: str = SELECT, over: str = RATE) -> str:
    """The same by status, without those that do not occur: servers show 5xx as 0 before the first one."""
    return f"{requests(where, over, 'code')} > 0"


def request_share(where: str = PLACE, over: str = RANGE, by: str = PREDICTOR) -> str:
    """Share of the requests that each predictor got: what a canary's weight has become."""
    return f"{_sum(by, f'increase({_asked(where)}[{over}])')} / on () group_left () ({requests_seen(where, over)} > 0)"


def requests_seen(where: str = SELECT, over: str = RANGE, by: str = "") -> str:
    """Predictions asked for in the window; an analysis waits until there are enough."""
    return _sum(by, f"increase({_asked(where)}[{over}])")


def error_ratio(where: str = SELECT, over: str = RATE, by: str = "") -> str:
    """Share of requests that the server failed (5xx); 0 while nothing fails, nothing while nobody asks."""
    return _share_of_codes("5..", where, over, by)


def refused_ratio(where: str = SELECT, over: str = RATE, by: str = "") -> str:
    """Share of requests that were refused as the caller's mistake (4xx)."""
    return _share_of_codes("4..", where, over, by)


def latency(quantile: float, where: str = SELECT, over: str = RATE, by: str = "") -> str:
    """A quantile of the time to answer, in seconds, interpolated inside the buckets.

    In the first bucket it is the bucket's bound, and in the last one the bound below: there a value would be made up.
    """
    kept = f"le, {by}" if by else "le"
    found = f"histogram_quantile({quantile}, {_sum(kept, f'rate({_buckets(where)}[{over}])')})"
    return f"clamp_min({found}, {FASTEST})"


def latency_buckets(where: str = SELECT, over: str = RATE) -> str:
    """Answers by the bucket that their time fell into: cumulative, as a heatmap of buckets wants them."""
    return _sum("le", f"increase({_buckets(where)}[{over}])")


def model_errors(where: str = SELECT, over: str = RATE, by: str = "method") -> str:
    """Calls a second in which the model's own code failed."""
    return _sum(by, f"rate({MODEL_ERRORS}{{{where}}}[{over}])")


def servers_up() -> str:
    """Pods of model servers that answered the last scrape; one with an orchestrator has several targets."""
    return f"count(sum by (pod) (up{{{PODS}}}) > 0) or vector(0)"


def cpu(over: str = RATE) -> str:
    """Processor cores that each model server uses."""
    return _sum("pod", f"rate({CPU}{{{PODS}}}[{over}])")


def memory() -> str:
    """Resident bytes of each model server."""
    return _sum("pod", f"{MEMORY}{{{PODS}}}")


def starts() -> str:
    """When each model server started, in milliseconds: the marks of deployments and restarts."""
    return f"max by (pod) ({STARTED}{{{PODS}}}) * 1000"


def firing() -> str:
    """Alerts that fire, of the chosen namespace; 1 each."""
    return 'max by (alertname, severity) (ALERTS{alertstate="firing", namespace=~"$namespace"})'


def firing_count() -> str:
    """How many alerts fire."""
    return 'count(ALERTS{alertstate="firing", namespace=~"$namespace"}) or vector(0)'


# -- what the model says -----------------------------------------------------------------------------------


def predictions(where: str = SELECT, over: str = RATE, by: str = "class") -> str:
    """Rows predicted a second, by class."""
    return _sum(by, f"rate({PREDICTIONS}{{{where}}}[{over}])")


def positive_share(where: str = SELECT, over: str = RANGE, by: str = "", ago: str = "") -> str:
    """Share of rows predicted positive: the first thing that moves when the data drifts; `ago` looks back."""
    offset = f" offset {ago}" if ago else ""
    positive = f'increase({PREDICTIONS}{{{where}, class="{POSITIVE}"}}[{over}]{offset})'
    every = f"increase({PREDICTIONS}{{{where}}}[{over}]{offset})"
    return f"{_sum(by, positive)} / ({_sum(by, every)} > 0)"


def probability_share(where: str = SELECT, over: str = RANGE, by: str = PREDICTOR, ago: str = "") -> str:
    """Share of rows in each tenth of the predicted probability: the histogram of a predictor, summing to 1."""
    rows = f"increase({DECILES}{{{where}}}[{over}]{f' offset {ago}' if ago else ''})"
    kept = f"decile, {by}" if by else "decile"
    return f"{_sum(kept, rows)} / on ({by}) group_left () ({_sum(by, rows)} > 0)"


def probability_rate(where: str = SELECT, over: str = RATE) -> str:
    """Rows a second in each tenth, over time."""
    return _sum("decile", f"rate({DECILES}{{{where}}}[{over}])")


def probability_shift(where: str = SELECT, over: str = RANGE, ago: str = "1h") -> str:
    """How far each predictor's histogram has moved since `ago`: the share of rows in another tenth, 0 to 1.

    It is the total variation distance. It needs no truth, and sees what the share of one class does not.
    """
    now, then = probability_share(where, over), probability_share(where, over, ago=ago)
    return f"sum by ({PREDICTOR}) (abs({now} - ({then}))) / 2"


def probability_distance(where: str, than: str, over: str) -> str:
    """How far apart two predictors' histograms are: total variation distance, 0 (same) to 1."""
    one, other = probability_share(where, over, by=""), probability_share(than, over, by="")
    return f"sum(abs({one} - ({other}))) / 2"


def expected_positive_share(where: str = SELECT, over: str = RANGE, by: str = PREDICTOR) -> str:
    """Mean predicted probability, from the middle of each tenth: the share that the model expects.

    Compare it with `actual_positive_share`: equal is calibrated in the large. Calibration tenth by tenth would
    need feedback counted by tenth.
    """
    tenths = " or ".join(
        f'{(2 * at + 1) / 20} * increase({DECILES}{{{where}, decile="{at}"}}[{over}])' for at in range(10)
    )
    every = f"increase({DECILES}{{{where}}}[{over}])"
    return f"{_sum(by, tenths)} / ({_sum(by, every)} > 0)"


# -- what happened: rows whose truth came back --------------------------------------------------------------


def confusion(where: str = SELECT, over: str = RANGE) -> str:
    """Rows whose truth is known, by what was predicted and what happened."""
    return _outcomes(where, over, "actual, predicted")


def known_rows(where: str = SELECT, over: str = RANGE, by: str = "") -> str:
    """Rows whose truth is known."""
    return _outcomes(where, over, by)


def accuracy(where: str = SELECT, over: str = RANGE, by: str = "") -> str:
    """Share of known rows that were right."""
    right = " or ".join(
        f'increase({OUTCOMES}{{{where}, predicted="{c}", actual="{c}"}}[{over}])' for c in (POSITIVE, NEGATIVE)
    )
    return f"{_sum(by, right)} / ({known_rows(where, over, by)} > 0)"


def precision(where: str = SELECT, over: str = RANGE, by: str = "") -> str:
    """Of the rows predicted positive, the share that were."""
    return f"{_hits(where, over, by)} / ({_outcomes(where, over, by, predicted=POSITIVE)} > 0)"


def recall(where: str = SELECT, over: str = RANGE, by: str = "") -> str:
    """Of the rows that were positive, the share that was predicted."""
    return f"{_hits(where, over, by)} / ({_outcomes(where, over, by, actual=POSITIVE)} > 0)"


def f1(where: str = SELECT, over: str = RANGE, by: str = "") -> str:
    """Harmonic mean of precision and recall: 2 TP / (predicted positive + actually positive)."""
    said = _outcomes(where, over, by, predicted=POSITIVE)
    were = _outcomes(where, over, by, actual=POSITIVE)
    return f"2 * {_hits(where, over, by)} / (({said} + {were}) > 0)"


def balanced_accuracy(where: str = SELECT, over: str = RANGE, by: str = "") -> str:
    """Mean of the recall of both classes: guessing gets 0.5 whatever the share of positives is.

    The one measure here that does not move when only that share moves, so it tells a worse model from a
    worse month.
    """
    rejected = _outcomes(where, over, by, predicted=NEGATIVE, actual=NEGATIVE)
    were_not = _outcomes(where, over, by, actual=NEGATIVE)
    return f"({recall(where, over, by)} + {rejected} / ({were_not} > 0)) / 2"


def error_rows(where: str = SELECT, over: str = RANGE, by: str = "") -> str:
    """Rows of a regression whose truth is known."""
    return _sum(by, f'increase({ERRORS}{{{where}, power="0"}}[{over}])')


def rmse(where: str = SELECT, over: str = RANGE, by: str = "") -> str:
    """Root mean squared error of the rows of a regression whose truth is known, in the unit of the target."""
    squares = _sum(by, f'increase({ERRORS}{{{where}, power="2"}}[{over}])')
    return f"sqrt({squares} / ({error_rows(where, over, by)} > 0))"


def actual_positive_share(where: str = SELECT, over: str = RANGE, by: str = PREDICTOR) -> str:
    """Share of known rows that were positive."""
    return f"{_outcomes(where, over, by, actual=POSITIVE)} / ({known_rows(where, over, by)} > 0)"


def reference(measure: str, where: str = SELECT, by: str = PREDICTOR) -> str:
    """What the model scored on its test month, by measure; `_reference` in model/flights/serve.py has them all."""
    kept = f" by ({by})" if by else ""
    return f'max{kept} ({REFERENCE}{{{where}, measure="{measure}"}})'


# -- parts -------------------------------------------------------------------------------------------------


def _sum(by: str, expr: str) -> str:
    return f"sum by ({by}) ({expr})" if by else f"sum({expr})"


def _asked(where: str) -> str:
    return f'{REQUESTS}_count{{{where}, service="predictions"}}'


def _buckets(where: str) -> str:
    return f'{REQUESTS}_bucket{{{where}, service="predictions"}}'


def _share_of_codes(codes: str, where: str, over: str, by: str) -> str:
    """A code that has not come yet has no series: the zeros of all others stand in for it."""
    of_code = f'{REQUESTS}_count{{{where}, service="predictions", code=~"{codes}"}}'
    counted = f"rate({of_code}[{over}]) or 0 * rate({_asked(where)}[{over}])"
    return f"{_sum(by, counted)} / ({requests(where, over, by)} > 0)"


def _hits(where: str, over: str, by: str) -> str:
    return _outcomes(where, over, by, predicted=POSITIVE, actual=POSITIVE)


def _outcomes(where: str, over: str, by: str, **labels: str) -> str:
    chosen = "".join(f', {name}="{value}"' for name, value in labels.items())
    return _sum(by, f"increase({OUTCOMES}{{{where}{chosen}}}[{over}])")
