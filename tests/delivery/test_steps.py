"""A canary takes the next share when it passes, rolls back when it fails, and waits when there is no decision."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from delivery.canaryrules import CanaryRules, rules
from delivery.errors import DeliveryError
from delivery.rules import BAD, OK, UNJUDGED, Finding, Limits
from delivery.steps import (
    INTERIM_ALPHA,
    MAX_FAILURES,
    OWNERSHIP_CHECK_SECONDS,
    CanaryPlan,
    InterruptedByOthersError,
    ProductionControl,
    run_steps,
)
from hypothesis import given
from hypothesis import strategies as st

LIMITS = Limits(alpha=0.02)
PLAN = CanaryPlan((10, 50, 100), window=20, patience=30)


def finding(state: str) -> Finding:
    return Finding("errors", state, 0.5, 0.01, "half of the requests failed")


@dataclass
class Production:
    """A production whose clock moves when the steps sleep, and whose findings follow from share and seconds."""

    says: Callable[[int, float], str]
    up: bool = True
    clock: float = 1000.0
    given: list[int] = field(default_factory=list)
    looks: list[tuple[float, float]] = field(default_factory=list)
    since: float = 0.0
    taken_at: float = float("inf")

    def control(self) -> ProductionControl:
        return ProductionControl(
            self._share, self._look, self._check_unchanged, lambda: self.up, lambda: self.clock, self._sleep
        )

    def _check_unchanged(self) -> None:
        if self.clock >= self.taken_at:
            raise InterruptedByOthersError("production was changed by somebody else")

    def _share(self, percent: int) -> None:
        self.given.append(percent)
        self.since = self.clock

    def _look(self, share: int, began: float, since: float, limits: Limits, looks: int) -> list[Finding]:
        assert share == self.given[-1]
        assert began == 1000.0
        assert since == self.since
        assert looks == 3
        spent = self.clock - since
        self.looks.append((spent, limits.alpha))
        return [finding(self.says(self.given[-1], spent))]

    def _sleep(self, seconds: float) -> None:
        self.clock += seconds


def test_a_good_canary_takes_each_share_for_its_window() -> None:
    production = Production(lambda share, spent: OK)
    assert run_steps(PLAN, LIMITS, production.control()).state == OK
    assert production.given == [10, 50, 100]
    assert production.clock == 1000 + 3 * 20


def test_a_bad_canary_ends_at_once_and_gets_no_more() -> None:
    production = Production(lambda share, spent: BAD if share == 50 and spent >= 3 else OK)
    outcome = run_steps(PLAN, LIMITS, production.control())
    assert (outcome.state, production.given) == (BAD, [10, 50])
    assert production.clock == 1000 + 20 + 3
    assert outcome.reason == "errors at 50 %: half of the requests failed"
    assert outcome.finding == finding(BAD)


def test_interim_checks_are_stricter_than_the_final_one() -> None:
    production = Production(lambda share, spent: OK if spent >= 25 else UNJUDGED)
    run_steps(PLAN, LIMITS, production.control())
    assert {alpha for spent, alpha in production.looks if spent < 25} == {INTERIM_ALPHA}
    assert [alpha for spent, alpha in production.looks if spent >= 25] == [INTERIM_ALPHA, 0.02] * 3


def test_a_failed_query_of_prometheus_is_repeated() -> None:
    production, failures = Production(lambda share, spent: OK), iter(range(MAX_FAILURES))
    control = production.control()

    def look(*seen: Any) -> list[Finding]:
        if next(failures, None) is not None:
            raise DeliveryError("Prometheus does not answer")
        return control.look(*seen)

    assert run_steps(PLAN, LIMITS, replace(control, look=look)).state == OK
    assert production.clock == 1000 + 60


def test_a_long_window_is_checked_less_often() -> None:
    production = Production(lambda share, spent: OK)
    run_steps(
        CanaryPlan((100,), window=600, patience=0), LIMITS, replace(production.control(), look=lambda *_: [finding(OK)])
    )
    assert production.clock == 1000 + 600


def test_a_step_waits_until_there_is_enough_traffic() -> None:
    production = Production(lambda share, spent: OK if share > 10 or spent >= 33 else UNJUDGED)
    assert run_steps(PLAN, LIMITS, production.control()).state == OK
    assert production.clock == 1000 + 33 + 20 + 20


def test_too_little_traffic_rolls_back_after_window_and_patience() -> None:
    production = Production(lambda share, spent: UNJUDGED)
    outcome = run_steps(PLAN, LIMITS, production.control())
    assert (outcome.state, production.given, production.clock) == (UNJUDGED, [10], 1000 + 20 + 30)
    assert outcome.reason.startswith("too little traffic at 10 % after 50 s: errors:")


def test_too_little_traffic_continues_if_the_rule_says_so() -> None:
    production = Production(lambda share, spent: UNJUDGED)
    assert run_steps(replace(PLAN, too_little="on"), LIMITS, production.control()).state == OK
    assert production.given == [10, 50, 100]


@pytest.mark.parametrize("taken_at", [1004.0, 1055.0], ids=["in the first step", "at the end of the last"])
def test_a_manual_rollback_ends_the_canary(taken_at: float) -> None:
    production = Production(lambda share, spent: OK, taken_at=taken_at)
    with pytest.raises(InterruptedByOthersError):
        run_steps(PLAN, LIMITS, production.control())
    assert production.clock <= taken_at + OWNERSHIP_CHECK_SECONDS


def test_a_canary_that_is_not_ready_does_not_continue() -> None:
    outcome = run_steps(PLAN, LIMITS, Production(lambda share, spent: OK, up=False).control())
    assert (outcome.state, outcome.reason) == (BAD, "the canary is not ready after 20 s at 10 %")


@given(st.lists(st.sampled_from([OK, UNJUDGED, BAD]), max_size=200), st.booleans())
def test_for_any_metrics_it_ends_and_only_a_canary_that_passed_every_step_gets_all_requests(
    states: list[str], goes_on: bool
) -> None:
    seen = iter(states)
    given_states: list[str] = []

    def says(share: int, spent: float) -> str:
        given_states.append(next(seen, OK))
        return given_states[-1]

    production = Production(says)
    outcome = run_steps(replace(PLAN, too_little="on" if goes_on else "back"), LIMITS, production.control())
    assert production.given == sorted(set(production.given))
    assert production.clock - 1000 <= 3 * (PLAN.window + PLAN.patience + 1)
    assert (outcome.state == BAD) == (BAD in given_states)
    assert BAD not in given_states[:-1]
    if outcome.state == OK:
        assert production.given == [10, 50, 100]
    if goes_on:
        assert outcome.state != UNJUDGED


@pytest.mark.parametrize("value", ["", "0,50", [50, 10], [10, 10], [10, 101], "ten", {}, None])
def test_steps_must_grow_from_1_to_100(value: object) -> None:
    with pytest.raises(DeliveryError, match=r"usecase\.yaml: canary: steps: got .*percentages that grow"):
        rules({"steps": value})


def test_a_run_changes_rules_of_the_use_case_and_leaves_the_others() -> None:
    made = rules(
        {"window": 60, "min-requests": 40}, "{window: 5, steps: [20, 100], too-little: on, feedback: required}"
    )
    assert made == CanaryRules(steps=(20, 100), window=5.0, min_requests=40, too_little="on", feedback="required")
    assert made.limits.feedback_required
    assert rules({}) == rules({}, "{}") == CanaryRules()


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("{windw: 5}", "--rules: got 'windw', allowed: steps, window, patience, too-little, "),
        ("{window: soon}", "--rules: window: got 'soon', allowed: a number from 0 on"),
        ("{window: .nan}", "--rules: window: got nan, allowed: a number from 0 on"),
        ("{alpha: true}", "--rules: alpha: got True, allowed: a number from 0 on"),
        ("{too-little: maybe}", "--rules: too-little: got 'maybe', allowed: back or on"),
        ("window", "--rules: got 'window', allowed: YAML like {window: 60, min-requests: 40}"),
        ("{window: 5", "--rules: got '{window: 5': "),
    ],
)
def test_an_unknown_rule_is_an_error_with_its_name(text: str, error: str) -> None:
    with pytest.raises(DeliveryError) as raised:
        rules({}, text)
    assert str(raised.value).startswith(error)


def test_a_measure_without_a_value_is_an_error() -> None:
    def look(*_: object) -> list[Finding]:
        raise DeliveryError("Prometheus does not answer")

    production = Production(lambda share, spent: OK)
    with pytest.raises(DeliveryError):
        run_steps(PLAN, LIMITS, replace(production.control(), look=look))
