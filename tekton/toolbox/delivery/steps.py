"""The steps of a canary, without side effects of their own: shares of the requests, one after the other.

At each share it waits for the window and then looks (rules.py). Looks before the end of a window stop only what is
evidently bad (p below 0.001; Haybittle 1971, Peto et al. 1976), so that the look at the end keeps its error rate.

Too little traffic is a decision: after the window and `patience` seconds more, a step without enough events ends as
`too_little` says: `back` (the default: what was not measured is not promoted) or `on`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from delivery.cli import say
from delivery.errors import DeliveryError
from delivery.rules import BAD, OK, UNJUDGED, Finding, Limits, decide

INTERIM_ALPHA = 0.001
POLL_SECONDS = 1.0
MAX_FAILURES = 5
"""Looks that may fail in a row."""
OWNERSHIP_CHECK_SECONDS = 10.0
"""Seconds between two checks that production was not changed by another writer."""


@dataclass(frozen=True, slots=True)
class CanaryPlan:
    """The shares of the requests in percent, and for each how long it is watched, in seconds."""

    shares: tuple[int, ...]
    window: float
    patience: float
    too_little: str = "back"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a canary ended: OK, or why not with the measure that decided."""

    state: str
    reason: str
    finding: Finding | None = None


@dataclass(frozen=True, slots=True)
class ProductionControl:
    """What the steps do to production and read from it."""

    share: Callable[[int], None]
    """Give the canary this many percent; DeliveryError when production was changed by somebody else."""
    look: Callable[[int, float, float, Limits, int], list[Finding]]
    """Findings at a share, since the canary's beginning and the step's (Unix seconds); limits; looks."""
    check_unchanged: Callable[[], None]
    """Raises InterruptedByOthersError when somebody else has changed production."""
    ready: Callable[[], bool]
    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep


class InterruptedByOthersError(DeliveryError):
    """Production is no longer what this promotion made of it: it must not be touched."""


def run_steps(plan: CanaryPlan, limits: Limits, control: ProductionControl) -> Outcome:
    """The steps one after the other until one fails. Restores nothing: the caller does."""
    began = control.now()
    for share in plan.shares:
        control.share(share)
        outcome = _step(share, plan, limits, control, began)
        if outcome.state != OK:
            return outcome
    return Outcome(OK, f"no fault at {', '.join(f'{share} %' for share in plan.shares)}")


def _step(share: int, plan: CanaryPlan, limits: Limits, control: ProductionControl, began: float) -> Outcome:
    since, reported, checked = control.now(), "", control.now()
    # A distribution can only be judged together with the truth, which needs the whole window.
    strict = replace(limits, alpha=INTERIM_ALPHA, max_psi=math.inf)
    # A window of minutes needs no look every second.
    pause = max(POLL_SECONDS, plan.window / 60)

    def look(limits: Limits) -> list[Finding]:
        return _with_retries(lambda: control.look(share, began, since, limits, len(plan.shares)), control, pause)

    while True:
        control.sleep(pause)
        spent = control.now() - since
        over = spent >= plan.window
        if over or control.now() - checked >= OWNERSHIP_CHECK_SECONDS:
            control.check_unchanged()
            checked = control.now()
        findings = look(strict)
        state, found = decide(findings)
        out_of_patience = spent >= plan.window + plan.patience
        if over and (state == OK or out_of_patience):
            # The one look that decides; those before only stop what is evident.
            findings = look(limits)
            state, found = decide(findings)
        if state == BAD and found:
            _report(share, spent, findings)
            return Outcome(BAD, f"{found.measure} at {share} %: {found.text}", found)
        if not over:
            continue
        if state == UNJUDGED and not out_of_patience:
            if found and reported != found.measure:
                say(f"     {share:>3} %  waits for more: {found.measure}: {found.text}")
                reported = found.measure
            continue
        _report(share, spent, findings)
        if not control.ready():
            return Outcome(BAD, f"the canary is not ready after {spent:.0f} s at {share} %")
        if state == UNJUDGED and found:
            why = f"too little traffic at {share} % after {spent:.0f} s: {found.measure}: {found.text}"
            if plan.too_little != "on":
                return Outcome(UNJUDGED, why, found)
            say(f"     {why}; continues, as the rule too-little: on says")
        return Outcome(OK, "")


def _with_retries(look: Callable[[], list[Finding]], control: ProductionControl, pause: float) -> list[Finding]:
    """A look; Prometheus may fail a few times in a row before the canary goes back."""
    for _ in range(MAX_FAILURES):
        try:
            return look()
        except DeliveryError as error:
            say(f"     {error}")
            control.sleep(pause)
    return look()


def _report(share: int, spent: float, findings: Sequence[Finding]) -> None:
    say(f"     {share:>3} %  after {spent:.0f} s")
    for finding in findings:
        say(f"            {finding.line}")
