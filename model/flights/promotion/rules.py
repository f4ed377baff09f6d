"""When a canary goes on, and when it goes back: statistics on counts, and nothing else.

Every rule needs evidence against the canary before it condemns it, and a number of events before it clears it; in
between it says so, and whoever asked waits for more. Counts are whole numbers of events, not rates, because that is
what the tests are made for. `alpha` is the chance that a rule condemns a canary that is as good as the champion; it
is divided by the number of looks (Bonferroni), since each look is another chance to be wrong.

Sources: exact binomial and Fisher's exact test, one-sided (Agresti, Categorical Data Analysis, 3rd ed., 1.4.2 and
2.6); differences of proportions with one success and one failure added to each sample (Agresti and Caffo, The American
Statistician 54(4), 2000); the population stability index and its usual bound of 0.25 (Siddiqi, Credit Risk Scorecards,
2006) with its chi-square distribution when nothing has changed (Yurdakul, Statistical Properties of Population
Stability Index, 2018); balanced accuracy (Brodersen et al., The Balanced Accuracy and Its Posterior Distribution,
ICPR 2010).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import NormalDist

OK, BAD, UNJUDGED = "ok", "bad", "unjudged"
NEGATIVE, POSITIVE = 0, 1
Outcome = tuple[int, int]
"""Predicted and actual class of a row."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What one predictor did in a span of time, in events; `errors` are 5xx, `refused` 4xx.

    `slower` has, by bound in seconds, how many requests took longer; `deciles` how many rows by the tenth of their
    probability; `outcomes` how many rows of known truth by what was predicted and what happened.
    """

    requests: int = 0
    errors: int = 0
    refused: int = 0
    slower: Mapping[float, int] = field(default_factory=dict)
    deciles: Sequence[int] = (0,) * 10
    outcomes: Mapping[Outcome, int] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Rows with a prediction."""
        return sum(self.deciles)

    def rate(self, actual: int) -> tuple[int, int]:
        """Of the rows that really were of this class: how many were predicted so, and how many there are."""
        right = self.outcomes.get((actual, actual), 0)
        return right, right + self.outcomes.get((1 - actual, actual), 0)


@dataclass(frozen=True, slots=True)
class Limits:
    """What is allowed. Shares are from 0 to 1, times in seconds."""

    min_requests: int = 100
    max_error_share: float = 0.01
    error_margin: float = 0.001
    p95_seconds: float = 0.25
    p99_seconds: float = 1.0
    slower_than_champion: float = 2.0
    nobody_minds_seconds: float = 0.1
    """Faster than what people notice (Nielsen, Usability Engineering, 1993, 5.5) is no worse than faster still."""
    min_rows: int = 200
    max_psi: float = 0.25
    min_known: int = 30
    quality_margin: float = 0.01
    alpha: float = 0.01
    feedback: bool = False
    """Whether a step needs feedback to go on: where the truth comes hours later, it cannot."""


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
    canary: Seen,
    champion: Seen,
    limits: Limits,
    *,
    step: tuple[Seen, Seen] | None = None,
    alone: bool = False,
    looks: int = 1,
) -> list[Finding]:
    """Every finding of one look at a canary and a champion since the canary began.

    `step` is both in this step: errors and times must hold at each share of the traffic, and are compared with the
    champion's of the same minutes, because a busy machine is slow for both. `alone` says that the champion gets no
    requests in this step, so that no comparison is waited for.
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
        *_what_it_says(canary, champion, limits, alpha),
    ]


def _what_it_says(canary: Seen, champion: Seen, limits: Limits, alpha: float) -> list[Finding]:
    """Quality, then distribution: where the truth is known and fine, predicting differently is no fault."""
    spread, right = distribution(canary, champion, limits, alpha), quality(canary, champion, limits, alpha)
    if right.state == OK and spread.state == BAD:
        spread = replace(spread, state=OK, text=f"{spread.text}; the truth says that it is no worse")
    return [right, spread]


def verdict(findings: Sequence[Finding]) -> tuple[str, Finding | None]:
    """BAD with the first finding against the canary, UNJUDGED with the first one that lacks events, or OK."""
    for state in (BAD, UNJUDGED):
        found = next((one for one in findings if one.state == state and (state == BAD or one.required)), None)
        if found:
            return state, found
    return OK, None


def errors(canary: Seen, limits: Limits, alpha: float) -> Finding:
    """5xx: is the share surely above what is allowed?"""
    bound, share = limits.max_error_share, _share(canary.errors, canary.requests)
    text = f"{canary.errors} of {canary.requests} requests failed ({share:.2%}), allowed {bound:.2%}"
    bad = share > bound and binomial_tail(canary.errors, canary.requests, bound) < alpha
    return _finding("errors", bad, canary.requests, limits.min_requests, share, bound, text, "requests")


def errors_against(canary: Seen, champion: Seen, limits: Limits, alpha: float) -> Finding:
    """5xx: does the canary surely fail more often than the champion?"""
    counts = (canary.errors, canary.requests, champion.errors, champion.requests)
    return _more_often("errors against champion", "failed", counts, limits, alpha)


def refusals_against(canary: Seen, champion: Seen, limits: Limits, alpha: float) -> Finding:
    """4xx: both get the same callers, so one that refuses more asks for something that they do not send."""
    counts = (canary.refused, canary.requests, champion.refused, champion.requests)
    return _more_often("refusals against champion", "were refused", counts, limits, alpha)


def _more_often(measure: str, what: str, counts: tuple[int, int, int, int], limits: Limits, alpha: float) -> Finding:
    ours, requests, theirs, others = counts
    share, reference = _share(ours, requests), _share(theirs, others)
    bound = reference + limits.error_margin
    text = f"{share:.2%} of requests {what}, of the champion's {reference:.2%}, allowed {limits.error_margin:.2%} more"
    bad = share > bound and fisher_tail(*counts) < alpha
    return _finding(measure, bad, min(requests, others), limits.min_requests, share, bound, text, "requests")


def latency(canary: Seen, share: float, seconds: float, limits: Limits, alpha: float) -> Finding:
    """A quantile's bound, said as a proportion: at most 1 - share of the requests may be slower."""
    slow, allowed = _slower(canary, seconds), 1 - share
    got = _share(slow, canary.requests)
    text = f"{slow} of {canary.requests} requests over {seconds * 1000:g} ms ({got:.2%}), allowed {allowed:.0%}"
    bad = got > allowed and binomial_tail(slow, canary.requests, allowed) < alpha
    return _finding(f"latency p{share * 100:.0f}", bad, canary.requests, limits.min_requests,
                    got, allowed, text, "requests")  # fmt: skip


def latency_against(canary: Seen, champion: Seen, limits: Limits, alpha: float) -> Finding:
    """Are surely more than 1 in 20 requests slower than twice what 19 in 20 of the champion's take?"""
    usual = quantile(champion, 0.95)
    wanted = max(usual * limits.slower_than_champion, limits.nobody_minds_seconds)
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


def distribution(canary: Seen, champion: Seen, limits: Limits, alpha: float) -> Finding:
    """Do both predict alike? The PSI over deciles, if it is more than chance makes of so few rows.

    Below the minimum its chi-square distribution does not hold, so nothing is said.
    """
    fewest = min(canary.rows, champion.rows)
    value = psi(canary.deciles, champion.deciles) if fewest else 0.0
    chance = (
        chi_square_quantile(1 - alpha, len(canary.deciles) - 1) * (1 / canary.rows + 1 / champion.rows)
        if fewest
        else 0.0
    )
    bound = max(limits.max_psi, chance)
    allowed = f"allowed {bound:.3f}" if math.isfinite(bound) else "judged when the window ends"
    text = f"PSI {value:.3f} over deciles of {canary.rows} and {champion.rows} rows, {allowed}"
    bad = fewest >= limits.min_rows and value > bound
    return _finding("prediction distribution", bad, fewest, limits.min_rows, value, bound, text, "rows")


def quality(canary: Seen, champion: Seen, limits: Limits, alpha: float) -> Finding:
    """Is the canary's balanced accuracy surely below the champion's by more than the margin?

    Balanced, because a model that never says late is right for three flights of four.
    """
    sides = [seen.rate(actual) for seen in (canary, champion) for actual in (NEGATIVE, POSITIVE)]
    fewest = min(known for _, known in sides)
    ours, theirs = balanced_accuracy(canary), balanced_accuracy(champion)
    bound = theirs - limits.quality_margin
    text = (
        f"balanced accuracy {ours:.3f}, the champion's {theirs:.3f}, allowed {limits.quality_margin:.3f} less "
        f"({sum(known for _, known in sides[:2])} and {sum(known for _, known in sides[2:])} known rows)"
    )
    bad = fewest > 0 and below_by_margin(canary, champion, limits.quality_margin) < alpha
    return _finding("feedback quality", bad, fewest, limits.min_known, ours, bound, text,
                    "known rows of each class", required=limits.feedback)  # fmt: skip


def balanced_accuracy(seen: Seen) -> float:
    """The mean of both classes' shares predicted right; 0 for a class without rows."""
    return sum(_share(*seen.rate(actual)) for actual in (NEGATIVE, POSITIVE)) / 2


def below_by_margin(canary: Seen, champion: Seen, margin: float) -> float:
    """The p-value of: the canary's balanced accuracy is at most `margin` below the champion's."""
    difference, variance = -margin, 0.0
    for seen, sign in ((champion, 1), (canary, -1)):
        for actual in (NEGATIVE, POSITIVE):
            right, known = seen.rate(actual)
            p = (right + 1) / (known + 2)
            difference += sign * p / 2
            variance += p * (1 - p) / (known + 2) / 4
    return 1 - NormalDist().cdf(difference / math.sqrt(variance))


def psi(ours: Sequence[int], theirs: Sequence[int]) -> float:
    """The population stability index of two histograms; half a row in each class, since an empty one has no log."""
    a, b = ([(count + 0.5) / (sum(h) + len(h) / 2) for count in h] for h in (ours, theirs))
    return sum((p - q) * math.log(p / q) for p, q in zip(a, b, strict=True))


def binomial_tail(events: int, trials: int, share: float) -> float:
    """P(at least so many events in so many trials) when each happens with this share."""
    if events <= 0:
        return 1.0
    return _tail(range(events, trials + 1), lambda k: _log_choose(trials, k) + k * math.log(share)
                 + (trials - k) * math.log1p(-share), trials * share)  # fmt: skip


def fisher_tail(events: int, trials: int, other_events: int, other_trials: int) -> float:
    """P(at least so many of all events fall among these trials) when they fall anywhere: Fisher's one-sided p."""
    total, all_trials = events + other_events, trials + other_trials
    if events <= 0 or not other_trials:
        return 1.0
    whole = _log_choose(all_trials, total)
    return _tail(range(events, min(trials, total) + 1),
                 lambda k: _log_choose(trials, k) + _log_choose(other_trials, total - k) - whole,
                 total * trials / all_trials)  # fmt: skip


def chi_square_quantile(share: float, degrees: int) -> float:
    """Wilson and Hilferty's cube (1931): within 2 % of the exact value for the nine degrees of deciles."""
    z, step = NormalDist().inv_cdf(share), 2 / (9 * degrees)
    return degrees * (1 - step + z * math.sqrt(step)) ** 3


def quantile(seen: Seen, share: float) -> float:
    """Seconds within which this share of the requests was answered, interpolated as histogram_quantile() does.

    0 without a request; the largest bound when it lies above that.
    """
    if not seen.requests:
        return 0.0
    rank, below, start = share * seen.requests, 0, 0.0
    for bound in sorted(seen.slower):
        within = seen.requests - seen.slower[bound]
        if within >= rank and within > below:
            return start + (bound - start) * (rank - below) / (within - below)
        below, start = within, bound
    return start


def _tail(numbers: range, log_of: object, mean: float) -> float:
    total = 0.0
    for k in numbers:
        term = math.exp(log_of(k))  # type: ignore[operator]
        total += term
        if k > mean and term < total * 1e-15:
            break
    return min(total, 1.0)


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) if 0 <= k <= n else -math.inf


def _slower(seen: Seen, seconds: float) -> int:
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
