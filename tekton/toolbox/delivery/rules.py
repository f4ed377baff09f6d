"""When a canary gets more requests, and when it goes back: rules on counts of events.

Each rule needs evidence before it decides against the canary, and a minimum of events before it decides for it. In
between it answers UNJUDGED, and the caller waits for more events. `alpha` is the probability that a rule decides
against a canary that is as good as the champion; it is divided by the number of looks (Bonferroni).

The tests are in statistics.py and quality.py, with their sources. The bound of 0.25 on the population stability index
is Siddiqi's (Credit Risk Scorecards, 2006).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from delivery.quality import Confusion, Quality
from delivery.statistics import binomial_tail, fisher_tail, psi, psi_by_chance
from delivery.statistics import quantile as quantile_of

OK, BAD, UNJUDGED = "ok", "bad", "unjudged"


@dataclass(frozen=True, slots=True)
class TrafficStats:
    """What one predictor did in a span of time, in events; `errors` are 5xx, `refused` 4xx.

    `slower` has, by bound in seconds, how many requests took longer; `deciles` how many rows by the tenth of the
    model's output; `quality` the rows whose truth is known.
    """

    requests: int = 0
    errors: int = 0
    refused: int = 0
    slower: Mapping[float, int] = field(default_factory=dict)
    deciles: Sequence[int] = (0,) * 10
    quality: Quality = field(default_factory=Confusion)

    @property
    def rows(self) -> int:
        """Rows with a prediction."""
        return sum(self.deciles)


@dataclass(frozen=True, slots=True)
class Limits:
    """What is allowed. Shares are from 0 to 1, times in seconds."""

    min_requests: int = 100
    max_error_share: float = 0.01
    error_margin: float = 0.001
    p95_seconds: float = 0.25
    p99_seconds: float = 1.0
    slower_than_champion: float = 2.0
    imperceptible_seconds: float = 0.1
    """People do not notice less (Nielsen, Usability Engineering, 1993, 5.5), so below it no canary is too slow."""
    min_rows: int = 200
    max_psi: float = 0.25
    min_known: int = 30
    quality_margin: float = 0.01
    """Of balanced accuracy; for a regression a share of the root mean squared error."""
    alpha: float = 0.01
    feedback_required: bool = False
    """Whether a step needs known truth to go on. It often comes hours later."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One measure of one look: its state, the value, what is allowed, and both in words."""

    measure: str
    state: str
    value: float
    bound: float
    text: str
    required: bool = True

    @property
    def line(self) -> str:
        """As a line of the log."""
        return f"{self.state:<9} {self.measure:<28} {self.text}"


def judge(
    canary: TrafficStats,
    champion: TrafficStats,
    limits: Limits,
    *,
    step: tuple[TrafficStats, TrafficStats] | None = None,
    alone: bool = False,
    looks: int = 1,
) -> list[Finding]:
    """Every finding of one look at a canary and a champion since the canary began.

    `step` is both in this step: errors and times must hold at each share of the traffic, and are compared with the
    champion's of the same minutes, because a busy machine is slow for both. `alone` says that the champion gets no
    requests in this step, so no comparison is waited for.
    """
    now, then = step or (canary, champion)
    alpha = limits.alpha / looks
    return [
        errors(now, limits, alpha),
        replace(errors_against(now, then, limits, alpha), required=not alone),
        replace(refusals_against(now, then, limits, alpha), required=not alone),
        *(
            latency(now, share, seconds, limits, alpha)
            for share, seconds in ((0.95, limits.p95_seconds), (0.99, limits.p99_seconds))
        ),
        replace(latency_against(now, then, limits, alpha), required=not alone),
        *_quality_and_distribution(canary, champion, limits, alpha),
    ]


def _quality_and_distribution(
    canary: TrafficStats, champion: TrafficStats, limits: Limits, alpha: float
) -> list[Finding]:
    """Both; a distribution that differs is no fault when the known truth shows that the quality is fine."""
    spread, right = distribution(canary, champion, limits, alpha), quality(canary, champion, limits, alpha)
    if right.state == OK and spread.state == BAD:
        spread = replace(spread, state=OK, text=f"{spread.text}; the truth says that it is no worse")
    return [right, spread]


def decide(findings: Sequence[Finding]) -> tuple[str, Finding | None]:
    """BAD with the first finding against the canary, UNJUDGED with the first that lacks events, or OK."""
    for state in (BAD, UNJUDGED):
        found = next((one for one in findings if one.state == state and (state == BAD or one.required)), None)
        if found:
            return state, found
    return OK, None


def errors(canary: TrafficStats, limits: Limits, alpha: float) -> Finding:
    """5xx: is the share above what is allowed, beyond chance?"""
    bound, share = limits.max_error_share, _share(canary.errors, canary.requests)
    text = f"{canary.errors} of {canary.requests} requests failed ({share:.2%}), allowed {bound:.2%}"
    bad = share > bound and binomial_tail(canary.errors, canary.requests, bound) < alpha
    return _finding("errors", bad, canary.requests, limits.min_requests, share, bound, text, "requests")


def errors_against(canary: TrafficStats, champion: TrafficStats, limits: Limits, alpha: float) -> Finding:
    """5xx: does the canary fail more often than the champion, beyond chance?"""
    counts = (canary.errors, canary.requests, champion.errors, champion.requests)
    return _more_often("errors against champion", "failed", counts, limits, alpha)


def refusals_against(canary: TrafficStats, champion: TrafficStats, limits: Limits, alpha: float) -> Finding:
    """4xx: both get the same callers, so a canary that refuses more asks for what they do not send."""
    counts = (canary.refused, canary.requests, champion.refused, champion.requests)
    return _more_often("refusals against champion", "were refused", counts, limits, alpha)


def _more_often(measure: str, what: str, counts: tuple[int, int, int, int], limits: Limits, alpha: float) -> Finding:
    ours, requests, theirs, others = counts
    share, reference = _share(ours, requests), _share(theirs, others)
    bound = reference + limits.error_margin
    text = f"{share:.2%} of requests {what}, of the champion's {reference:.2%}, allowed {limits.error_margin:.2%} more"
    bad = share > bound and fisher_tail(*counts) < alpha
    return _finding(measure, bad, min(requests, others), limits.min_requests, share, bound, text, "requests")


def latency(canary: TrafficStats, share: float, seconds: float, limits: Limits, alpha: float) -> Finding:
    """A bound on a quantile, tested as a proportion: at most 1 - share of the requests may be slower."""
    slow, allowed = _slower(canary, seconds), 1 - share
    got = _share(slow, canary.requests)
    text = f"{slow} of {canary.requests} requests over {seconds * 1000:g} ms ({got:.2%}), allowed {allowed:.0%}"
    bad = got > allowed and binomial_tail(slow, canary.requests, allowed) < alpha
    return _finding(f"latency p{share * 100:.0f}", bad, canary.requests, limits.min_requests,
                    got, allowed, text, "requests")  # fmt: skip


def latency_against(canary: TrafficStats, champion: TrafficStats, limits: Limits, alpha: float) -> Finding:
    """Are more than 1 in 20 requests slower than twice the champion's p95, beyond chance?"""
    usual = quantile(champion, 0.95)
    wanted = max(usual * limits.slower_than_champion, limits.imperceptible_seconds)
    bound = next((b for b in sorted(champion.slower) if b >= wanted), math.inf)
    slow, theirs = _slower(canary, bound), _slower(champion, bound)
    got = _share(slow, canary.requests)
    text = (
        f"{got:.2%} of requests over {bound * 1000:g} ms, of the champion's {_share(theirs, champion.requests):.2%} "
        f"(p95 {quantile(canary, 0.95) * 1000:.0f} and {usual * 1000:.0f} ms)"
    )
    p = fisher_tail(slow, canary.requests, theirs, champion.requests)
    bad = got > _share(theirs, champion.requests) + 0.05 and p < alpha
    fewest = min(canary.requests, champion.requests)
    return _finding("latency against champion", bad, fewest, limits.min_requests, got, 0.05, text, "requests")


def distribution(canary: TrafficStats, champion: TrafficStats, limits: Limits, alpha: float) -> Finding:
    """Do both predict alike? The PSI over deciles, if it is more than chance makes of so few rows.

    Below the minimum of rows its chi-square distribution does not hold, so nothing is decided.
    """
    fewest = min(canary.rows, champion.rows)
    value = psi(canary.deciles, champion.deciles) if fewest else 0.0
    chance = psi_by_chance(canary.rows, champion.rows, len(canary.deciles), alpha) if fewest else 0.0
    bound = max(limits.max_psi, chance)
    allowed = f"allowed {bound:.3f}" if math.isfinite(bound) else "judged when the window ends"
    text = f"PSI {value:.3f} over deciles of {canary.rows} and {champion.rows} rows, {allowed}"
    bad = fewest >= limits.min_rows and value > bound
    return _finding("prediction distribution", bad, fewest, limits.min_rows, value, bound, text, "rows")


def quality(canary: TrafficStats, champion: TrafficStats, limits: Limits, alpha: float) -> Finding:
    """Is the canary worse than the champion by more than the margin, beyond chance?"""
    ours, theirs, margin = canary.quality, champion.quality, limits.quality_margin
    fewest = min(ours.fewest, theirs.fewest)
    bad = fewest > 0 and ours.p_worse(theirs, margin) < alpha
    return _finding("feedback quality", bad, fewest, limits.min_known, ours.value, ours.bound(theirs, margin),
                    ours.text(theirs, margin), ours.group, required=limits.feedback_required)  # fmt: skip


def quantile(seen: TrafficStats, share: float) -> float:
    """Seconds within which this share of the requests was answered; see statistics.quantile."""
    return quantile_of(seen.requests, seen.slower, share)


def _slower(seen: TrafficStats, seconds: float) -> int:
    """Requests slower than the smallest of the histogram's bounds that is not below `seconds`."""
    bound = min((b for b in seen.slower if b >= seconds), default=None)
    return seen.slower[bound] if bound is not None else 0


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _finding(measure: str, bad: bool, events: int, wanted: int, value: float, bound: float, text: str,
             of_what: str, *, required: bool = True) -> Finding:  # fmt: skip
    if bad:
        return Finding(measure, BAD, value, bound, text, required)
    if events < wanted:
        return Finding(measure, UNJUDGED, value, bound, f"{text}; {events} of {wanted} {of_what}", required)
    return Finding(measure, OK, value, bound, text, required)
