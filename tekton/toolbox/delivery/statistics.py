"""The statistics of a canary: tails, quantiles and distances of counts. Nothing here knows what is counted.

Sources: exact binomial and Fisher's exact test, one-sided (Agresti, Categorical Data Analysis, 3rd ed., 1.4.2 and
2.6); differences of proportions with one success and one failure added to each sample (Agresti and Caffo, The American
Statistician 54(4), 2000); the population stability index (Siddiqi, Credit Risk Scorecards, 2006) with its chi-square
distribution when nothing has changed (Yurdakul, Statistical Properties of Population Stability Index, 2018); Welch's
test of two means (Biometrika 34, 1947) with the normal distribution, as samples are large.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from scipy import stats


def binomial_tail(events: int, trials: int, share: float) -> float:
    """P(at least `events` in `trials`) when each happens with probability `share`."""
    return float(stats.binom.sf(events - 1, trials, share))


def fisher_tail(events: int, trials: int, other_events: int, other_trials: int) -> float:
    """Fisher's one-sided p: P(at least `events` of all events fall among these trials) when they fall anywhere."""
    if not trials or not other_trials:
        return 1.0
    return float(stats.hypergeom.sf(events - 1, trials + other_trials, events + other_events, trials))


def psi(ours: Sequence[int], theirs: Sequence[int]) -> float:
    """The population stability index of two histograms; half a row is added to each class, as 0 has no logarithm."""
    a, b = ([(count + 0.5) / (sum(h) + len(h) / 2) for count in h] for h in (ours, theirs))
    return sum((p - q) * math.log(p / q) for p, q in zip(a, b, strict=True))


def psi_by_chance(rows: int, other_rows: int, classes: int, alpha: float) -> float:
    """The PSI that two samples of one distribution exceed with probability `alpha`."""
    return float(stats.chi2.ppf(1 - alpha, classes - 1)) * (1 / rows + 1 / other_rows)


def shares_below(ours: Iterable[tuple[int, int]], theirs: Iterable[tuple[int, int]], margin: float) -> float:
    """The p-value of: the mean of our shares is at least the mean of theirs minus `margin` (Agresti and Caffo).

    A share is (successes, trials); both sides have equally many.
    """
    difference, variance = -margin, 0.0
    for side, sign in ((list(theirs), 1), (list(ours), -1)):
        for successes, trials in side:
            p = (successes + 1) / (trials + 2)
            difference += sign * p / len(side)
            variance += p * (1 - p) / (trials + 2) / len(side) ** 2
    return float(stats.norm.sf(difference / math.sqrt(variance)))


def mean_above(ours: tuple[float, float, int], theirs: tuple[float, float, int], factor: float) -> float:
    """The p-value of: our mean is at most `factor` times theirs. Each side is (mean, mean of squares, values)."""
    (mean, squares, n), (other, other_squares, m) = ours, theirs
    if not n or not m:
        return 1.0
    difference = mean - factor * other
    variance = max(squares - mean**2, 0.0) / n + factor**2 * max(other_squares - other**2, 0.0) / m
    if variance == 0:
        return 0.0 if difference > 0 else 1.0
    return float(stats.norm.sf(difference / math.sqrt(variance)))


def quantile(total: int, above: Mapping[float, int], share: float) -> float:
    """The value that this share of `total` events does not exceed, interpolated as histogram_quantile() does.

    `above` has, by bound, how many events exceed it. 0 without an event; the largest bound when the value lies above.
    """
    if not total:
        return 0.0
    rank, below, start = share * total, 0, 0.0
    for bound in sorted(above):
        within = total - above[bound]
        if within >= rank and within > below:
            return start + (bound - start) * (rank - below) / (within - below)
        below, start = within, bound
    return start
