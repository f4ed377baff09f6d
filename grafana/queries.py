"""Every query as a function. Dashboards draw them, alerts repeat them, and a promotion decides by them.

`where` are label matchers without braces, `over` is a window. The defaults are the dashboard's variables. With both
arguments, the result is a query that Prometheus can answer:

    queries.error_ratio(queries.where("user1-production", "flight-delay", "canary"), "2m")

`by` names the labels to keep. Each query takes rates of counters before it sums, so a restart or a second replica does
not change the result. It does not need the SDK of the dashboards. Do not select a bucket by `le="1"`: Prometheus 3
writes `1.0`.
"""

from __future__ import annotations

from grafana.config import (
    BASELINE,
    CALIBRATION_ERROR,
    CHOSEN,
    CPU,
    DECILE_ROWS,
    DECILES,
    ENOUGH_ROWS,
    ENOUGH_TRUTHS,
    ERROR_SLICES,
    ERRORS,
    FASTEST,
    FEATURE_DRIFT,
    FEATURE_REFERENCE,
    FEATURE_ROWS,
    FEATURES,
    FEEDBACK,
    FEEDBACK_AGAIN,
    FEWEST_POSITIVES,
    FEWEST_ROWS,
    MEMORY,
    MODEL_ERRORS,
    NEGATIVE,
    OBSERVED,
    OUTCOMES,
    OUTPUT_DRIFT,
    OUTPUT_ROWS,
    PLACE,
    PODS,
    POSITIVE,
    PREDICTED,
    PREDICTIONS,
    RANGE,
    RATE,
    REFERENCE,
    REFUSED,
    REQUESTS,
    RESIDUALS,
    SELECT,
    SLICE,
    SLICES,
    STARTED,
    TRUTH_ROWS,
    UNSEEN,
    WINDOW,
)

PREDICTOR = "predictor_name"


def where(namespace: str, deployment: str, predictor: str = "") -> str:
    """Matchers for one deployment, or for one predictor of it."""
    chosen = f'namespace="{namespace}", deployment_name="{deployment}"'
    return f'{chosen}, predictor_name="{predictor}"' if predictor else chosen


# -- the service -------------------------------------------------------------------------------------------


def requests(where: str = SELECT, over: str = RATE, by: str = "") -> str:
    """Prediction requests a second."""
    return _sum(by, f"rate({_asked(where)}[{over}])")


def requests_by_code(where: str = SELECT, over: str = RATE) -> str:
    """Requests a second by status, without statuses that do not occur: servers export 5xx as 0 before the first one."""
    return f"{requests(where, over, 'code')} > 0"


def request_share(where: str = PLACE, over: str = RANGE, by: str = PREDICTOR) -> str:
    """The share of the requests that each predictor got."""
    return f"{_sum(by, f'increase({_asked(where)}[{over}])')} / on () group_left () ({requests_seen(where, over)} > 0)"


def requests_seen(where: str = SELECT, over: str = RANGE, by: str = "") -> str:
    """Prediction requests in the window. An analysis waits until there are enough."""
    return _sum(by, f"increase({_asked(where)}[{over}])")


def error_ratio(where: str = SELECT, over: str = RATE, by: str = "") -> str:
    """Share of requests that failed in the server (5xx): 0 without failures, no value without requests."""
    return _share_of_codes("5..", where, over, by)


def refused_ratio(where: str = SELECT, over: str = RATE, by: str = "") -> str:
    """Share of requests that were refused as the caller's mistake (4xx)."""
    return _share_of_codes("4..", where, over, by)


def latency(quantile: float, where: str = SELECT, over: str = RATE, by: str = "") -> str:
    """A quantile of the response time, in seconds, interpolated inside the buckets.

    In the first bucket the result is the bucket's bound, and in the last bucket its lower bound: no value between the
    bounds is known there.
    """
    kept = f"le, {by}" if by else "le"
    found = f"histogram_quantile({quantile}, {_sum(kept, f'rate({_buckets(where)}[{over}])')})"
    return f"clamp_min({found}, {FASTEST})"


def latency_buckets(where: str = SELECT, over: str = RATE) -> str:
    """Responses by latency bucket: cumulative, for a heatmap of buckets."""
    return _sum("le", f"increase({_buckets(where)}[{over}])")


def model_errors(where: str = SELECT, over: str = RATE, by: str = "method") -> str:
    """Calls a second in which the model's own code failed."""
    return _sum(by, f"rate({MODEL_ERRORS}{{{where}}}[{over}])")


def feedback(where: str = SELECT, over: str = RATE, by: str = "") -> str:
    """Feedback a second that was counted."""
    return _sum(by, f"rate({FEEDBACK}{{{where}}}[{over}])")


def feedback_again(where: str = SELECT, over: str = RATE, by: str = "") -> str:
    """Feedback a second that was not counted, because its replica has counted the same before."""
    return _sum(by, f"rate({FEEDBACK_AGAIN}{{{where}}}[{over}])")


def servers_up() -> str:
    """Pods of model servers that answered the last scrape. A Pod with an orchestrator has several targets."""
    return f"count(sum by (pod) (up{{{PODS}}}) > 0) or vector(0)"


def cpu(over: str = RATE) -> str:
    """Processor cores that each model server uses."""
    return _sum("pod", f"rate({CPU}{{{PODS}}}[{over}])")


def memory() -> str:
    """Resident bytes of each model server."""
    return _sum("pod", f"{MEMORY}{{{PODS}}}")


def starts() -> str:
    """The start time of each model server, in milliseconds: annotations of deployments and restarts."""
    return f"max by (pod) ({STARTED}{{{PODS}}}) * 1000"


def firing() -> str:
    """Firing alerts of the chosen namespace; 1 each."""
    return 'max by (alertname, severity) (ALERTS{alertstate="firing", namespace=~"$namespace"})'


def firing_count() -> str:
    """The number of firing alerts."""
    return 'count(ALERTS{alertstate="firing", namespace=~"$namespace"}) or vector(0)'


# -- predictions ----------------------------------------------------------------------------------------------


def predictions(where: str = SELECT, over: str = RATE, by: str = "class") -> str:
    """Rows predicted a second, by class."""
    return _sum(by, f"rate({PREDICTIONS}{{{where}}}[{over}])")


def positive_share(where: str = SELECT, over: str = RANGE, by: str = "", ago: str = "") -> str:
    """Share of rows predicted positive. Drift of the data changes it first. `ago` looks back."""
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
    """The distance between each predictor's histogram and the one `ago`: the share of rows in another tenth, 0 to 1.

    It is the total variation distance. It needs no truth, and it detects changes that keep the share of each class.
    """
    now, then = probability_share(where, over), probability_share(where, over, ago=ago)
    return f"sum by ({PREDICTOR}) (abs({now} - ({then}))) / 2"


def probability_distance(where: str, than: str, over: str) -> str:
    """The distance between the histograms of two predictors: total variation distance, 0 (same) to 1."""
    one, other = probability_share(where, over, by=""), probability_share(than, over, by="")
    return f"sum(abs({one} - ({other}))) / 2"


def expected_positive_share(where: str = SELECT, over: str = RANGE, by: str = PREDICTOR) -> str:
    """Mean predicted probability, from the middle of each tenth.

    Compare it with `actual_positive_share`: equal values mean calibration in the large. `predicted_rate` and
    `observed_rate` have it for each tenth, of the rows with truth.
    """
    tenths = " or ".join(
        f'{(2 * at + 1) / 20} * increase({DECILES}{{{where}, decile="{at}"}}[{over}])' for at in range(10)
    )
    every = f"increase({DECILES}{{{where}}}[{over}])"
    return f"{_sum(by, tenths)} / ({_sum(by, every)} > 0)"


# -- moved from training: what the recording rules of alerts/rules.yaml compute ---------------------------------------


def feature_drift(where: str = CHOSEN, by: str = "feature") -> str:
    """How far each feature is from training, as a share of what is allowed, in the windows with enough rows."""
    return f"max by ({by}) ({FEATURE_DRIFT}{{{where}}} and {FEATURE_ROWS}{{{where}}} >= {ENOUGH_ROWS})"


def latest_feature_drift(where: str = CHOSEN, by: str = "feature") -> str:
    """`feature_drift` now, or its newest value of the last hour."""
    now = feature_drift(where, by)
    return f"({now}) or max by ({by}) (last_over_time(({now})[1h:15s]))"


def output_drift(where: str = CHOSEN, by: str = PREDICTOR) -> str:
    """How far the predictions are from training, as a share of what is allowed, in the windows with enough rows."""
    return f"max by ({by}) ({OUTPUT_DRIFT}{{{where}}} and {OUTPUT_ROWS}{{{where}}} >= {ENOUGH_ROWS})"


def unseen(where: str = CHOSEN, by: str = "feature") -> str:
    """The share of rows with a text that training did not have, without features that have none."""
    return f"max by ({by}) ({UNSEEN}{{{where}}}) > 0"


def refused_by_feature(where: str = PLACE, by: str = "feature") -> str:
    """The share of requests that were refused because of a value of the feature, without features that have none."""
    return f"max by ({by}) ({REFUSED}{{{where}}}) > 0"


def feature_share(where: str = CHOSEN, over: str = WINDOW) -> str:
    """The share of the rows in each bin of a feature, in the window."""
    rows = f'increase({FEATURES}{{{where}, feature="$feature"}}[{over}])'
    return f"sum by (bin) ({rows}) / on () group_left () (sum({rows}) > 0)"


def feature_share_in_training(where: str = CHOSEN) -> str:
    """The share of the training rows in each bin of a feature."""
    return f'max by (bin) ({FEATURE_REFERENCE}{{{where}, feature="$feature"}})'


# -- truth: rows with feedback ---------------------------------------------------------------------------------


def confusion(where: str = SELECT, over: str = RANGE) -> str:
    """Rows with truth, by prediction and truth."""
    return _outcomes(where, over, "actual, predicted")


def known_rows(where: str = SELECT, over: str = RANGE, by: str = "") -> str:
    """Rows with truth."""
    return _outcomes(where, over, by)


def accuracy(where: str = SELECT, over: str = RANGE, by: str = "") -> str:
    """Share of correct predictions of the rows with truth."""
    right = " or ".join(
        f'increase({OUTCOMES}{{{where}, predicted="{c}", actual="{c}"}}[{over}])' for c in (POSITIVE, NEGATIVE)
    )
    return f"{_sum(by, right)} / ({known_rows(where, over, by)} > 0)"


def precision(where: str = SELECT, over: str = RANGE, by: str = "") -> str:
    """Precision: of the rows predicted positive, the share that were positive."""
    return f"{_hits(where, over, by)} / ({_outcomes(where, over, by, predicted=POSITIVE)} > 0)"


def recall(where: str = SELECT, over: str = RANGE, by: str = "") -> str:
    """Recall: of the positive rows, the share that was predicted positive."""
    return f"{_hits(where, over, by)} / ({_outcomes(where, over, by, actual=POSITIVE)} > 0)"


def f1(where: str = SELECT, over: str = RANGE, by: str = "") -> str:
    """Harmonic mean of precision and recall: 2 TP / (predicted positive + actually positive)."""
    said = _outcomes(where, over, by, predicted=POSITIVE)
    were = _outcomes(where, over, by, actual=POSITIVE)
    return f"2 * {_hits(where, over, by)} / (({said} + {were}) > 0)"


def balanced_accuracy(where: str = SELECT, over: str = RANGE, by: str = "") -> str:
    """Mean of the recall of both classes. Guessing gets 0.5 for any share of positives.

    A change of that share alone does not change this measure, so it separates a worse model from a worse month.
    """
    rejected = _outcomes(where, over, by, predicted=NEGATIVE, actual=NEGATIVE)
    were_not = _outcomes(where, over, by, actual=NEGATIVE)
    return f"({recall(where, over, by)} + {rejected} / ({were_not} > 0)) / 2"


def missed_share(where: str = SELECT, over: str = RANGE, by: str = "") -> str:
    """The share of the rows with truth that were positive and not predicted."""
    return f"{_outcomes(where, over, by, predicted=NEGATIVE, actual=POSITIVE)} / ({known_rows(where, over, by)} > 0)"


def predicted_rate(where: str = CHOSEN) -> str:
    """The mean predicted probability of each tenth with enough rows with truth, as the rules have it."""
    return f"avg by (decile) ({PREDICTED}{{{where}}} and {DECILE_ROWS}{{{where}}} >= {FEWEST_ROWS})"


def observed_rate(where: str = CHOSEN) -> str:
    """The share of positive rows in each tenth with enough rows with truth, as the rules have it."""
    return f"avg by (decile) ({OBSERVED}{{{where}}} and {DECILE_ROWS}{{{where}}} >= {FEWEST_ROWS})"


def calibration_error(where: str = CHOSEN, by: str = PREDICTOR) -> str:
    """The expected calibration error, as the rules have it, where there are enough rows with truth."""
    return f"max by ({by}) ({CALIBRATION_ERROR}{{{where}}} and {TRUTH_ROWS}{{{where}}} >= {ENOUGH_TRUTHS})"


def slice_rows(where: str = SLICE, over: str = RANGE, fewest: int = 1) -> str:
    """Rows with truth by value of the slice, without values that have none."""
    return f"{_sliced(where, over)} >= {fewest}"


def slice_recall(where: str = SLICE, over: str = RANGE) -> str:
    """Recall by value of the slice, where there are enough positive rows."""
    hits = _sliced(where, over, predicted=POSITIVE, actual=POSITIVE)
    return f"{hits} / ({_sliced(where, over, actual=POSITIVE)} >= {FEWEST_POSITIVES})"


def slice_missed_share(where: str = SLICE, over: str = RANGE) -> str:
    """The share of rows that were positive and not predicted, by value of the slice, where there are enough rows."""
    missed = _sliced(where, over, predicted=NEGATIVE, actual=POSITIVE)
    return f"{missed} / ({slice_rows(where, over, FEWEST_ROWS)})"


def actual_positive_share(where: str = SELECT, over: str = RANGE, by: str = PREDICTOR) -> str:
    """Share of positive rows among the rows with truth."""
    return f"{_outcomes(where, over, by, actual=POSITIVE)} / ({known_rows(where, over, by)} > 0)"


def reference(measure: str, where: str = SELECT, by: str = PREDICTOR) -> str:
    """The model's score on its test month, by measure. `_reference` of the model lists the measures."""
    kept = f" by ({by})" if by else ""
    return f'max{kept} ({REFERENCE}{{{where}, measure="{measure}"}})'


# -- truth of a regression -----------------------------------------------------------------------------------


def error_rows(where: str = SELECT, over: str = RANGE, by: str = "") -> str:
    """Rows with truth."""
    return _errors(0, where, over, by)


def rmse(where: str = SELECT, over: str = RANGE, by: str = "") -> str:
    """Root mean squared error, in the unit of the target."""
    return f"sqrt({_errors(2, where, over, by)} / ({error_rows(where, over, by)} > 0))"


def mae(where: str = SELECT, over: str = RANGE, by: str = "") -> str:
    """Mean absolute error, in the unit of the target."""
    return f"{_errors(1, where, over, by)} / ({error_rows(where, over, by)} > 0)"


def bias(where: str = SELECT, over: str = RANGE, by: str = "") -> str:
    """Mean residual, prediction minus truth: above 0 the model predicts too much."""
    signed = f"{_errors(1, where, over, by, side='over')} - {_errors(1, where, over, by, side='under')}"
    return f"({signed}) / ({error_rows(where, over, by)} > 0)"


def r2(where: str = SELECT, over: str = RANGE, by: str = "") -> str:
    """1 - squared errors / squared errors of predicting the mean of training for each row.

    The out-of-sample R2 of Campbell and Thompson (Review of Financial Studies 21(4), 2008, equation 1).
    """
    baseline = _sum(by, f"increase({BASELINE}{{{where}}}[{over}])")
    return f"1 - {_errors(2, where, over, by)} / ({baseline} > 0)"


def residual_share(where: str = SELECT, over: str = RANGE, by: str = PREDICTOR) -> str:
    """Share of rows with truth in each tenth of the test's residuals: 0.1 each where errors are as in the test."""
    rows = f"increase({RESIDUALS}{{{where}}}[{over}])"
    kept = f"decile, {by}" if by else "decile"
    return f"{_sum(kept, rows)} / on ({by}) group_left () ({_sum(by, rows)} > 0)"


def slice_error_rows(where: str = SLICE, over: str = RANGE, fewest: int = 1) -> str:
    """Rows with truth by value of the slice, without values that have none."""
    return f"{_sliced_errors(0, where, over)} >= {fewest}"


def slice_rmse(where: str = SLICE, over: str = RANGE) -> str:
    """Root mean squared error by value of the slice, where there are enough rows."""
    return f"sqrt({_sliced_errors(2, where, over)} / ({slice_error_rows(where, over, FEWEST_POSITIVES)}))"


def slice_bias(where: str = SLICE, over: str = RANGE) -> str:
    """Mean residual by value of the slice, where there are enough rows."""
    signed = f"{_sliced_errors(1, where, over, side='over')} - {_sliced_errors(1, where, over, side='under')}"
    return f"({signed}) / ({slice_error_rows(where, over, FEWEST_POSITIVES)})"


# -- parts -------------------------------------------------------------------------------------------------


def _sum(by: str, expr: str) -> str:
    return f"sum by ({by}) ({expr})" if by else f"sum({expr})"


def _asked(where: str) -> str:
    return f'{REQUESTS}_count{{{where}, service="predictions"}}'


def _buckets(where: str) -> str:
    return f'{REQUESTS}_bucket{{{where}, service="predictions"}}'


def _share_of_codes(codes: str, where: str, over: str, by: str) -> str:
    """A status that has not occurred has no series: the zeros of the other statuses are used."""
    of_code = f'{REQUESTS}_count{{{where}, service="predictions", code=~"{codes}"}}'
    counted = f"rate({of_code}[{over}]) or 0 * rate({_asked(where)}[{over}])"
    return f"{_sum(by, counted)} / ({requests(where, over, by)} > 0)"


def _hits(where: str, over: str, by: str) -> str:
    return _outcomes(where, over, by, predicted=POSITIVE, actual=POSITIVE)


def _outcomes(where: str, over: str, by: str, **labels: str) -> str:
    return _sum(by, f"increase({OUTCOMES}{{{where}{_and(labels)}}}[{over}])")


def _errors(power: int, where: str, over: str, by: str, **labels: str) -> str:
    return _sum(by, f'increase({ERRORS}{{{where}, power="{power}"{_and(labels)}}}[{over}])')


def _sliced_errors(power: int, where: str, over: str, **labels: str) -> str:
    return _sum("value", f'increase({ERROR_SLICES}{{{where}, power="{power}"{_and(labels)}}}[{over}])')


def _sliced(where: str, over: str, **labels: str) -> str:
    return _sum("value", f"increase({SLICES}{{{where}{_and(labels)}}}[{over}])")


def _and(labels: dict[str, str]) -> str:
    return "".join(f', {name}="{value}"' for name, value in labels.items())
