"""A canary goes from share to share while it holds, back when it does not, and waits when nobody can tell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from flights.errors import FlightsError
from flights.promotion.canary import (
    GLANCE_SECONDS,
    INTERIM_ALPHA,
    MISSES,
    Course,
    InterruptedByOthersError,
    World,
    shares,
    walk,
)
from flights.promotion.rules import BAD, OK, UNJUDGED, Finding, Limits
from hypothesis import given
from hypothesis import strategies as st

LIMITS = Limits(alpha=0.02)
COURSE = Course((10, 50, 100), window=20, patience=30)


def finding(state: str) -> Finding:
    return Finding("errors", state, 0.5, 0.01, "half of the requests failed")


@dataclass
class Told:
    """A world whose clock moves when somebody sleeps, and whose findings follow from share and seconds."""

    says: Callable[[int, float], str]
    up: bool = True
    clock: float = 1000.0
    given: list[int] = field(default_factory=list)
    looks: list[tuple[float, float]] = field(default_factory=list)
    since: float = 0.0
    taken_at: float = float("inf")

    def world(self) -> World:
        return World(self._share, self._look, self._mine, lambda: self.up, lambda: self.clock, self._sleep)

    def _mine(self) -> None:
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
    told = Told(lambda share, spent: OK)
    assert walk(COURSE, LIMITS, told.world()).state == OK
    assert told.given == [10, 50, 100]
    assert told.clock == 1000 + 3 * 20


def test_a_bad_canary_ends_at_once_and_gets_no_more() -> None:
    told = Told(lambda share, spent: BAD if share == 50 and spent >= 3 else OK)
    outcome = walk(COURSE, LIMITS, told.world())
    assert (outcome.state, told.given) == (BAD, [10, 50])
    assert told.clock == 1000 + 20 + 3
    assert outcome.reason == "errors at 50 %: half of the requests failed"
    assert outcome.finding == finding(BAD)


def test_looks_before_the_one_that_decides_are_stricter() -> None:
    told = Told(lambda share, spent: OK if spent >= 25 else UNJUDGED)
    walk(COURSE, LIMITS, told.world())
    assert {alpha for spent, alpha in told.looks if spent < 25} == {INTERIM_ALPHA}
    assert [alpha for spent, alpha in told.looks if spent >= 25] == [INTERIM_ALPHA, 0.02] * 3


def test_a_prometheus_that_misses_a_few_looks_is_asked_again() -> None:
    told, failures = Told(lambda share, spent: OK), iter(range(MISSES))
    world = told.world()

    def look(*seen: Any) -> list[Finding]:
        if next(failures, None) is not None:
            raise FlightsError("Prometheus does not answer")
        return world.look(*seen)

    assert walk(COURSE, LIMITS, replace(world, look=look)).state == OK
    assert told.clock == 1000 + 60


def test_a_long_window_is_looked_at_less_often() -> None:
    told = Told(lambda share, spent: OK)
    walk(Course((100,), window=600, patience=0), LIMITS, replace(told.world(), look=lambda *_: [finding(OK)]))
    assert told.clock == 1000 + 600


def test_a_step_waits_for_traffic_and_goes_on_when_it_comes() -> None:
    told = Told(lambda share, spent: OK if share > 10 or spent >= 33 else UNJUDGED)
    assert walk(COURSE, LIMITS, told.world()).state == OK
    assert told.clock == 1000 + 33 + 20 + 20


def test_too_little_traffic_is_a_decision_after_window_and_patience() -> None:
    told = Told(lambda share, spent: UNJUDGED)
    outcome = walk(COURSE, LIMITS, told.world())
    assert (outcome.state, told.given, told.clock) == (UNJUDGED, [10], 1000 + 20 + 30)
    assert outcome.reason.startswith("too little traffic at 10 % after 50 s: errors:")


def test_whoever_says_so_goes_on_without_traffic() -> None:
    told = Told(lambda share, spent: UNJUDGED)
    assert walk(replace(COURSE, too_little="on"), LIMITS, told.world()).state == OK
    assert told.given == [10, 50, 100]


@pytest.mark.parametrize("taken_at", [1004.0, 1055.0], ids=["in the first step", "at the end of the last"])
def test_who_rolls_back_by_hand_ends_it(taken_at: float) -> None:
    told = Told(lambda share, spent: OK, taken_at=taken_at)
    with pytest.raises(InterruptedByOthersError):
        walk(COURSE, LIMITS, told.world())
    assert told.clock <= taken_at + GLANCE_SECONDS


def test_a_canary_that_is_not_ready_does_not_go_on() -> None:
    outcome = walk(COURSE, LIMITS, Told(lambda share, spent: OK, up=False).world())
    assert (outcome.state, outcome.reason) == (BAD, "the canary is not ready after 20 s at 10 %")


@given(st.lists(st.sampled_from([OK, UNJUDGED, BAD]), max_size=200), st.booleans())
def test_whatever_it_sees_it_ends_and_gives_all_requests_only_to_what_held_everywhere(
    states: list[str], goes_on: bool
) -> None:
    seen = iter(states)
    given_states: list[str] = []

    def says(share: int, spent: float) -> str:
        given_states.append(next(seen, OK))
        return given_states[-1]

    told = Told(says)
    outcome = walk(replace(COURSE, too_little="on" if goes_on else "back"), LIMITS, told.world())
    assert told.given == sorted(set(told.given))
    assert told.clock - 1000 <= 3 * (COURSE.window + COURSE.patience + 1)
    assert (outcome.state == BAD) == (BAD in given_states)
    assert BAD not in given_states[:-1]
    if outcome.state == OK:
        assert told.given == [10, 50, 100]
    if goes_on:
        assert outcome.state != UNJUDGED


@pytest.mark.parametrize("text", ["", "0,50", "50,10", "10,10", "10,101", "ten"])
def test_shares_must_grow_from_1_to_100(text: str) -> None:
    import argparse

    with pytest.raises(argparse.ArgumentTypeError, match="percentages that grow"):
        shares(text)


def test_what_cannot_be_measured_is_an_error_and_no_success() -> None:
    def look(*_: object) -> list[Finding]:
        raise FlightsError("Prometheus does not answer")

    told = Told(lambda share, spent: OK)
    with pytest.raises(FlightsError):
        walk(COURSE, LIMITS, replace(told.world(), look=look))
