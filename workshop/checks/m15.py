"""Module 15, notice drift: which feature moved, for which airline the model is worst, calibration, best threshold."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence

from workshop.checks import answers
from workshop.checks.finding import CheckContext, Editor, Finding
from workshop.cluster.jsonhttp import NoAnswer
from workshop.languages.catalog import N_, Sentence
from workshop.usecase import USE_CASE

NUMBER = "15"
NEAR = 0.03
"""Tolerance of the calibration error: requests after the answer was written change it a little."""
COSTS_MORE = 0.02
"""A threshold is right when it costs at most this share more than the best: near it, the curve is flat."""
SECONDS = 60
"""How long `workshop thresholds` may take."""
MISSED, ALARM = 5, 1
"""What the module's errors cost."""
_MOVED, _WORST, _CALIBRATED, _BEST = (
    N_("you know which feature moved"),
    N_("you know which airline the model serves worst"),
    N_("you know how far its probabilities are off"),
    N_("you know which threshold costs least"),
)
_CALL = (
    'cd model && python -m flights.traffic --url "$PRODUCTION_URL" --month 12 --origin LGA --rate 40 --rows 20 '
    "--seconds 20 --feedback"
)


def check(context: CheckContext) -> list[Finding]:
    """The four answers, each compared with what Prometheus has counted, or the gate's own rows."""
    given = answers.answers(context, NUMBER)
    here = f'namespace="{context.namespace("production")}", deployment_name="{USE_CASE.deployment}"'
    try:
        found = [_moved(context, here, given), _worst(context, here, given), _calibrated(context, here, given)]
    except NoAnswer as e:
        found = [Finding(task, False, str(e), context.where_things_are) for task in (_MOVED, _WORST, _CALIBRATED)]
    return [*found, _cheapest(context, given)]


def reset(context: CheckContext, _: Editor) -> list[str]:
    """Put the answers aside; Prometheus' counts stay."""
    return answers.put_aside(context, NUMBER)


def _moved(context: CheckContext, here: str, given: dict[str, str]) -> Finding:
    # By the largest value in a day, because the minute of the answer may be over when the check looks. By the value of
    # now, too, because a day is read in steps of 15 s, and the last one may be older than the answer.
    ratio = f"feature:model_feature_drift:ratio{{{here}}} and feature:model_feature_rows:increase{{{here}}} >= 2000"
    largest = f"max by (feature) (max_over_time(({ratio})[1d:15s])) > 1 or max by (feature) ({ratio}) > 1"
    far = context.prometheus.values(largest, "feature")
    if not far:
        return Finding(_MOVED, False, N_("no feature has moved further than is allowed"), _CALL)
    if "feature" not in given:
        return answers.missing(NUMBER, "feature", _MOVED)
    if given["feature"] not in far:
        return Finding(
            _MOVED,
            False,
            Sentence("you say {feature}, which has not moved", feature=given["feature"]),
            N_("the first query of the module lists them"),
        )
    return Finding(
        _MOVED,
        True,
        Sentence("{feature}, {far:.0f} times what is allowed", feature=given["feature"], far=far[given["feature"]]),
    )


def _worst(context: CheckContext, here: str, given: dict[str, str]) -> Finding:
    # The worst of the answer's minute, which may be over when the check looks, and those of longer spans.
    lately = f"max_over_time(topk(1, {_missed(here, '15m')})[30m:15s])"
    longer = [context.prometheus.values(f"topk(1, {_missed(here, span)})", "value") for span in ("1h", "1d")]
    worst = set(context.prometheus.values(lately, "value")).union(*longer)
    if not worst:
        return Finding(_WORST, False, N_("no airline has 100 flights with truth yet"), _CALL)
    if "carrier" not in given:
        return answers.missing(NUMBER, "carrier", _WORST)
    if given["carrier"] not in worst:
        return Finding(
            _WORST,
            False,
            Sentence("you say {carrier}, and another airline's share is larger", carrier=given["carrier"]),
            N_("the second query of the module lists them"),
        )
    return Finding(_WORST, True, given["carrier"])


def _missed(here: str, span: str) -> str:
    """The share of each airline's flights that were late and not predicted, of 100 flights at least."""
    rows = f'increase(model_feedback_slice_total{{{here}, slice="carrier"}}[{span}])'
    missed = rows.replace("}", f', predicted="{USE_CASE.negative}", actual="{USE_CASE.positive}"}}')
    return f"sum by (value) ({missed}) / (sum by (value) ({rows}) >= 100)"


def _calibrated(context: CheckContext, here: str, given: dict[str, str]) -> Finding:
    error = f"predictor:model_calibration_error:ratio{{{here}}} and predictor:model_feedback_rows:increase >= 500"
    day = [f"{edge}({edge}_over_time(({error})[1d:15s]))" for edge in ("min", "max")]
    ends = [context.prometheus.value(query) for query in (*day, f"max({error})")]
    if "calibration_error" not in given:
        return answers.missing(NUMBER, "calibration_error", _CALIBRATED)
    return _near(given["calibration_error"], [end for end in ends if end is not None])


def _near(said: str, ends: Sequence[float]) -> Finding:
    if not ends:
        return Finding(_CALIBRATED, False, N_("production has no feedback of 500 flights yet"), _CALL)
    try:
        right = min(ends) - NEAR <= float(said) <= max(ends) + NEAR
    except ValueError:
        right = False
    if not right:
        return Finding(
            _CALIBRATED,
            False,
            Sentence("you say {said}, and the rule has made another number", said=said),
            N_("the third query of the module asks for it"),
        )
    return Finding(_CALIBRATED, True, said)


def _cheapest(context: CheckContext, given: dict[str, str]) -> Finding:
    if "threshold" not in given:
        return answers.missing(NUMBER, "threshold", _BEST)
    asked = ["workshop", "thresholds", "-o", "json"]
    try:
        done = subprocess.run(
            asked,
            cwd=context.clone,
            env=dict(context.env),
            text=True,
            capture_output=True,
            check=False,
            timeout=SECONDS,
        )
        test = json.loads(done.stdout.splitlines()[-1])["sources"]["test"]
        negative, positive = test["scores"]["negative"], test["scores"]["positive"]
    except (OSError, ValueError, LookupError, TypeError, subprocess.TimeoutExpired):
        return Finding(_BEST, False, N_("the scores of production's model cannot be read"), "workshop thresholds")
    costs = [MISSED * sum(positive[:at]) + ALARM * sum(negative[at:]) for at in range(len(positive))]
    try:
        cost = costs[round(float(given["threshold"]) * len(costs))]
    except (ValueError, IndexError, OverflowError):
        cost = -1
    if not 0 <= cost <= (1 + COSTS_MORE) * min(costs):
        return Finding(
            _BEST,
            False,
            Sentence("you say {threshold}, and another threshold costs less", threshold=given["threshold"]),
            " ".join(asked[:2]),
        )
    return Finding(
        _BEST,
        True,
        Sentence(
            "{threshold} costs {cost:,.0f} in 1,000",
            threshold=given["threshold"],
            cost=1000 * cost / (sum(positive) + sum(negative)),
        ),
    )
