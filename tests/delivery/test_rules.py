"""The rules of a canary: when it fails, when it passes, and when there is no decision yet."""

from __future__ import annotations

import numpy as np
import pytest
from delivery import rules, statistics
from delivery.quality import Confusion
from delivery.rules import BAD, OK, UNJUDGED, Limits, TrafficStats, decide, judge
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
LIMITS = Limits()
TURNED = (20, 40, 50, 60, 80, 100, 150, 200, 200, 100)


def seen(
    requests: int = 1000,
    errors: int = 0,
    refused: int = 0,
    seconds: float = 0.004,
    slow: int = 0,
    slow_seconds: float = 0.4,
    deciles: tuple[int, ...] = (100, 200, 200, 150, 100, 80, 60, 50, 40, 20),
    recall: float = 0.7,
    specificity: float = 0.7,
    known: int = 1000,
) -> TrafficStats:
    """A predictor as one describes it: `slow` requests take `slow_seconds`; a quarter of the known rows are late."""
    times = [(requests - slow, seconds), (slow, slow_seconds)]
    slower = {bound: sum(count for count, took in times if took > bound) for bound in BOUNDS}
    late, on_time = known // 4, known - known // 4
    caught, passed = round(late * recall), round(on_time * specificity)
    outcomes = {(1, 1): caught, (0, 1): late - caught, (0, 0): passed, (1, 0): on_time - passed}
    return TrafficStats(requests, errors, refused, slower, deciles, Confusion(outcomes))


def state_of(
    measure: str, canary: TrafficStats, champion: TrafficStats, limits: Limits = LIMITS, **more: object
) -> str:
    found = [one for one in judge(canary, champion, limits, **more) if one.measure == measure]  # type: ignore[arg-type]
    assert len(found) == 1
    return found[0].state


def test_a_canary_equal_to_the_champion_continues() -> None:
    findings = judge(seen(), seen(), LIMITS)
    assert [one.state for one in findings] == [OK] * 8
    assert decide(findings) == (OK, None)


@pytest.mark.parametrize(
    ("measure", "canary"),
    [
        ("errors", seen(errors=40)),
        ("errors against champion", seen(errors=8)),
        ("refusals against champion", seen(refused=50)),
        ("latency p95", seen(slow=100)),
        ("latency p99", seen(slow=40, slow_seconds=3)),
        ("latency against champion", seen(seconds=0.15)),
        ("prediction distribution", seen(deciles=TURNED, known=0)),
        ("feedback quality", seen(recall=0.0, specificity=1.0)),
    ],
)
def test_the_measure_that_is_worse_is_named(measure: str, canary: TrafficStats) -> None:
    state, found = decide([one for one in judge(canary, seen(), LIMITS) if one.measure == measure])
    assert state == BAD
    assert found is not None
    assert found.measure == measure


def test_a_model_that_never_says_late_is_worse_though_it_is_right_more_often() -> None:
    never, champion = seen(recall=0.0, specificity=1.0), seen(recall=0.6, specificity=0.7)
    assert isinstance(never.quality, Confusion) and isinstance(champion.quality, Confusion)
    right = sum(never.quality.outcomes[(k, k)] for k in (0, 1)), sum(champion.quality.outcomes[(k, k)] for k in (0, 1))
    assert right[0] > right[1]
    assert state_of("feedback quality", never, champion) == BAD


def test_a_canary_that_refuses_as_many_requests_as_the_champion_continues() -> None:
    assert state_of("refusals against champion", seen(refused=300), seen(refused=300)) == OK


def test_a_different_distribution_is_accepted_if_the_truth_agrees() -> None:
    assert state_of("prediction distribution", seen(deciles=TURNED), seen()) == OK
    assert state_of("prediction distribution", seen(deciles=TURNED, known=0), seen()) == BAD
    assert state_of("prediction distribution", seen(deciles=TURNED, recall=0.3), seen()) == BAD


def test_a_distribution_of_too_few_rows_is_not_judged() -> None:
    few = tuple(count // 10 for count in TURNED)
    assert state_of("prediction distribution", seen(deciles=few, known=0), seen()) == UNJUDGED


def test_the_text_has_value_and_bound() -> None:
    found = rules.errors(seen(errors=40), LIMITS, 0.01)
    assert found.text == "40 of 1000 requests failed (4.00%), allowed 1.00%"
    assert (found.value, found.bound) == (0.04, 0.01)


def test_without_traffic_there_is_no_result() -> None:
    state, found = decide(judge(TrafficStats(), TrafficStats(), LIMITS))
    assert state == UNJUDGED
    assert found is not None
    assert "0 of 100 requests" in found.text


def test_quantiles_are_those_of_the_histogram() -> None:
    assert rules.quantile(TrafficStats(), 0.95) == 0
    one_in_ten = seen(requests=100, seconds=0.004, slow=10, slow_seconds=0.4)
    assert rules.quantile(one_in_ten, 0.45) == pytest.approx(0.0025)
    assert rules.quantile(one_in_ten, 0.95) == pytest.approx(0.375)
    assert rules.quantile(seen(seconds=60.0), 0.5) == 10


def test_a_canary_that_fails_every_request_needs_no_minimum() -> None:
    assert state_of("errors", seen(requests=5, errors=5), seen()) == BAD
    assert state_of("errors", seen(requests=3, errors=1), seen()) == UNJUDGED


def test_missing_truth_blocks_a_step_only_if_it_is_required() -> None:
    canary = seen(known=0)
    assert decide(judge(canary, seen(), LIMITS))[0] == OK
    assert decide(judge(canary, seen(), Limits(feedback_required=True)))[0] == UNJUDGED


def test_a_step_fails_by_its_own_errors_even_if_the_total_is_fine() -> None:
    whole, step = seen(requests=20000, errors=30), seen(requests=200, errors=30)
    assert state_of("errors", whole, seen()) == OK
    assert state_of("errors", whole, seen(), step=(step, seen())) == BAD


def test_a_canary_on_a_machine_that_slows_both_models_continues() -> None:
    slow = seen(requests=200, slow=150, slow_seconds=0.2)
    assert state_of("latency against champion", slow, seen()) == BAD
    assert state_of("latency against champion", slow, seen(), step=(slow, slow)) == OK


def test_the_last_step_does_not_wait_for_a_comparison() -> None:
    findings = judge(seen(), seen(), LIMITS, step=(seen(), TrafficStats()), alone=True)
    assert decide(findings) == (OK, None)
    assert decide(judge(seen(), seen(), LIMITS, step=(seen(), TrafficStats())))[0] == UNJUDGED


def test_an_imperceptible_slowdown_is_accepted() -> None:
    assert state_of("latency against champion", seen(seconds=0.09), seen(seconds=0.001)) == OK


counts = st.integers(0, 400)


@given(st.integers(1, 400), counts, st.integers(1, 400), counts)
def test_fisher_is_that_of_scipy(trials: int, events: int, others: int, other_events: int) -> None:
    assume(events <= trials and other_events <= others)
    table = [[events, trials - events], [other_events, others - other_events]]
    expected = stats.fisher_exact(table, alternative="greater").pvalue
    assert statistics.fisher_tail(events, trials, other_events, others) == pytest.approx(expected, rel=1e-6, abs=1e-12)


@given(st.integers(1, 2000), counts, st.floats(0.001, 0.2))
def test_binomial_is_that_of_scipy(trials: int, events: int, share: float) -> None:
    assume(events <= trials)
    expected = stats.binomtest(events, trials, share, alternative="greater").pvalue
    assert statistics.binomial_tail(events, trials, share) == pytest.approx(expected, rel=1e-6, abs=1e-12)


many = st.integers(0, 5000)
histograms = st.lists(many, min_size=10, max_size=10).map(tuple)


@given(histograms, histograms)
def test_psi_is_zero_for_equals_symmetric_and_never_negative(ours: tuple[int, ...], theirs: tuple[int, ...]) -> None:
    assert statistics.psi(ours, ours) == pytest.approx(0)
    assert statistics.psi(ours, theirs) == pytest.approx(statistics.psi(theirs, ours))
    assert statistics.psi(ours, theirs) >= -1e-12


@given(st.integers(0, 1000), st.integers(0, 1000), st.integers(0, 300), st.floats(0, 1), st.floats(0, 1))
def test_more_faults_never_turn_a_failing_canary_into_a_passing_one(
    errors: int, more: int, requests: int, recall: float, worse: float
) -> None:
    requests += errors + more
    order = (OK, UNJUDGED, BAD)
    for measure in ("errors", "errors against champion"):
        before = state_of(measure, seen(requests=requests, errors=errors), seen())
        after = state_of(measure, seen(requests=requests, errors=errors + more), seen())
        assert order.index(after) >= order.index(before)
    better, poorer = max(recall, worse), min(recall, worse)
    before = state_of("feedback quality", seen(recall=better), seen())
    assert order.index(state_of("feedback quality", seen(recall=poorer), seen())) >= order.index(before)


@given(histograms, st.integers(0, 3000), st.integers(0, 3000))
def test_any_counts_are_judged_without_an_error(deciles: tuple[int, ...], requests: int, errors: int) -> None:
    canary = TrafficStats(
        requests, min(errors, requests), 0, {}, deciles, Confusion({(1, 1): errors, (0, 0): requests})
    )
    for one in judge(canary, seen(), LIMITS) + judge(seen(), canary, LIMITS) + judge(canary, canary, LIMITS):
        assert one.state in (OK, BAD, UNJUDGED)


@pytest.mark.parametrize("rows", [60, 250, 1000])
def test_a_canary_as_good_as_its_champion_is_rarely_rolled_back(rows: int) -> None:
    """Pairs drawn from one truth: each of eight rules may condemn one in a hundred."""
    chance, pairs = np.random.default_rng(rows), 1000
    condemned = sum(decide(judge(_drawn(chance, rows), _drawn(chance, rows), LIMITS))[0] == BAD for _ in range(pairs))
    assert condemned < pairs * 0.08


def test_a_clearly_worse_canary_is_nearly_always_rolled_back() -> None:
    chance, pairs = np.random.default_rng(1), 200
    condemned = sum(
        decide(judge(_drawn(chance, 1000, recall=0.4), _drawn(chance, 1000), LIMITS))[0] == BAD for _ in range(pairs)
    )
    assert condemned > pairs * 0.9


def _drawn(chance: np.random.Generator, rows: int, recall: float = 0.7) -> TrafficStats:
    late = int(chance.binomial(rows, 0.25))
    caught, passed = int(chance.binomial(late, recall)), int(chance.binomial(rows - late, 0.7))
    deciles = chance.multinomial(rows, np.array((20, 20, 15, 10, 10, 8, 6, 5, 4, 2)) / 100)
    slow = int(chance.binomial(rows, 0.02))
    slower = {bound: slow if bound < 0.2 else 0 for bound in BOUNDS}
    outcomes = {(1, 1): caught, (0, 1): late - caught, (0, 0): passed, (1, 0): rows - late - passed}
    refused = int(chance.binomial(rows, 0.05))
    return TrafficStats(
        rows, int(chance.binomial(rows, 0.004)), refused, slower, tuple(map(int, deciles)), Confusion(outcomes)
    )
