"""Give a new digest a growing share of production's requests, measure it at each, and send it back when it is worse.

    python -m flights.promotion.canary --image ...@sha256:... --version 4 --steps 10,50,100 --window 60

At each share it waits for the window and then looks (rules.py). A canary that is bad goes back at once, and so does one
that cannot be measured: production gets its digest again, the registry and the history learn why, exit 1. Looks before
the end of a window only stop what is evidently bad (p below 0.001; Haybittle 1971, Peto et al. 1976), so that the look
at the end keeps its meaning.

Too little traffic is a decision: after the window and --patience seconds more, a step without enough events ends as
--too-little says: `back` (the default, nothing proven is nothing promoted) or `on`. Where nobody calls, --probe-rate
sends real flights of a past month with their truth through production's own address.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from flights import params
from flights.cli import exit_code, say
from flights.errors import FlightsError
from flights.paths import home
from flights.promotion import cluster, measure, release
from flights.promotion.cluster import Release
from flights.promotion.prometheus import Prometheus
from flights.promotion.rules import BAD, OK, UNJUDGED, Finding, Limits, judge, verdict
from flights.traffic import Plan, Traffic, flights_of

INTERIM_ALPHA = 0.001
POLL_SECONDS = 1.0
MISSES = 5
"""Looks that may fail in a row."""
GLANCE_SECONDS = 10.0
"""How often it is looked whether somebody has rolled back by hand."""


@dataclass(frozen=True, slots=True)
class Course:
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
class World:
    """What the walk does to production and sees of it; tests put their own in its place."""

    share: Callable[[int], None]
    """Give the canary so many percent; FlightsError when production is not what it was left as."""
    look: Callable[[int, float, float, Limits, int], list[Finding]]
    """Findings at a share, since the canary's beginning and the step's; limits; looks."""
    mine: Callable[[], None]
    """Raises InterruptedByOthersError when somebody else has changed production meanwhile."""
    ready: Callable[[], bool]
    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep


def walk(course: Course, limits: Limits, world: World) -> Outcome:
    """The steps one after the other until one does not hold. Restores nothing: that is the caller's."""
    began = world.now()
    for share in course.shares:
        world.share(share)
        outcome = _step(share, course, limits, world, began)
        if outcome.state != OK:
            return outcome
    return Outcome(OK, f"held at {', '.join(f'{share} %' for share in course.shares)}")


def _step(share: int, course: Course, limits: Limits, world: World, began: float) -> Outcome:
    since, told, seen = world.now(), "", world.now()
    # What a distribution means can only be said with the truth, which needs the whole window.
    strict = replace(limits, alpha=INTERIM_ALPHA, max_psi=math.inf)
    # A window of minutes needs no look every second.
    pause = max(POLL_SECONDS, course.window / 60)

    def look(held_to: Limits) -> list[Finding]:
        return _patiently(lambda: world.look(share, began, since, held_to, len(course.shares)), world, pause)

    while True:
        world.sleep(pause)
        spent = world.now() - since
        over = spent >= course.window
        if over or world.now() - seen >= GLANCE_SECONDS:
            world.mine()
            seen = world.now()
        findings = look(strict)
        state, found = verdict(findings)
        out_of_patience = spent >= course.window + course.patience
        if over and (state == OK or out_of_patience):
            # The one look that decides; those before have only stopped what was evident.
            findings = look(limits)
            state, found = verdict(findings)
        if state == BAD and found:
            _tell(share, spent, findings)
            return Outcome(BAD, f"{found.measure} at {share} %: {found.text}", found)
        if not over:
            continue
        if state == UNJUDGED and not out_of_patience:
            if found and told != found.measure:
                say(f"     {share:>3} %  waits for more: {found.measure}: {found.text}")
                told = found.measure
            continue
        _tell(share, spent, findings)
        if not world.ready():
            return Outcome(BAD, f"the canary is not ready after {spent:.0f} s at {share} %")
        if state == UNJUDGED and found:
            why = f"too little traffic at {share} % after {spent:.0f} s: {found.measure}: {found.text}"
            if course.too_little != "on":
                return Outcome(UNJUDGED, why, found)
            say(f"     {why}; goes on all the same, as --too-little on says")
        return Outcome(OK, "")


def _patiently(look: Callable[[], list[Finding]], world: World, pause: float) -> list[Finding]:
    """A look; Prometheus may miss a few in a row before that is a reason to go back."""
    for _ in range(MISSES):
        try:
            return look()
        except FlightsError as error:
            say(f"     {error}")
            world.sleep(pause)
    return look()


def _tell(share: int, spent: float, findings: Sequence[Finding]) -> None:
    say(f"     {share:>3} %  after {spent:.0f} s")
    for finding in findings:
        say(f"            {finding.line}")


def in_production(prometheus: Prometheus, previous: Release, new: Release) -> World:
    """The real one: shares by overlay, findings by Prometheus."""
    releases = {"main": previous, "canary": new}

    def mine() -> None:
        running = cluster.deployed()
        if running != releases:
            told = ", ".join(f"{name} version {one.version}" for name, one in running.items()) or "nothing"
            raise InterruptedByOthersError(f"production was changed by somebody else: it runs {told}")

    def share(percent: int) -> None:
        mine()
        cluster.apply("canary", releases, (100 - percent, percent))
        say(f"---> {percent} % of the requests go to version {new.version}")

    def look(percent: int, began: float, since: float, limits: Limits, looks: int) -> list[Finding]:
        whole, now = measure.since(prometheus, cluster.namespace(), cluster.NAME, began, since)
        step = now["canary"], now["main"]
        return judge(whole["canary"], whole["main"], limits, step=step, alone=percent == 100, looks=looks)

    return World(share, look, mine, cluster.ready)


class InterruptedByOthersError(FlightsError):
    """Production is no longer what this promotion made of it: it must not be touched."""


def run(given: argparse.Namespace, new: Release, previous: Release) -> Outcome:
    """Deploy the canary, walk, and send it back when it does not hold."""
    if not os.environ.get("PROMETHEUS_URL") and given.too_little == "on":
        return Outcome(OK, "not measured: there is no PROMETHEUS_URL, and --too-little on says to go on")
    running = cluster.deployed()
    if running != {"main": previous}:
        raise FlightsError(
            f"production runs {', '.join(running) or 'nothing'}: another promotion or a test is under way, "
            "next: workshop history; workshop rollback ends it"
        )
    limits = Limits(
        min_requests=given.min_requests, min_rows=given.min_rows, min_known=given.min_known,
        max_error_share=given.max_error_share, p95_seconds=given.p95_ms / 1000, p99_seconds=given.p99_ms / 1000,
        max_psi=given.max_psi, quality_margin=given.quality_margin, alpha=given.alpha,
        feedback=given.feedback == "required",
    )  # fmt: skip
    course = Course(given.steps, given.window, given.patience, given.too_little)
    traffic: Traffic | None = None
    try:
        prometheus = Prometheus.from_environment(cluster.namespace())
        cluster.apply("canary", {"main": previous, "canary": new}, (100, 0))
        cluster.wait({"canary": new}, given.seconds)
        say(f"---> version {new.version} is up beside version {previous.version}, without requests yet")
        if given.probe_rate > 0:
            traffic = _probe(given)
        outcome = walk(course, limits, in_production(prometheus, previous, new))
    except InterruptedByOthersError as error:
        outcome = Outcome(UNJUDGED, str(error))
        release.remember_refused(new, why=outcome.reason, run=given.run, by=release.approver(given.run))
        return outcome
    except FlightsError as error:
        outcome = Outcome(UNJUDGED, f"it could not be measured: {error}")
    finally:
        if traffic is not None:
            report = traffic.stop()
            say(f"     the probe sent {report.codes.total()} requests, {report.failed} of them failed")
    if outcome.state != OK:
        say(f"---> back to version {previous.version}: {outcome.reason}")
        release.send_back(new, previous, why=outcome.reason, run=given.run, by=release.approver(given.run))
        say(f"---> production runs version {previous.version} alone again, {previous.digest}")
    return outcome


def _probe(given: argparse.Namespace) -> Traffic:
    month = params.load().test_month
    say(
        f"---> this step itself sends {given.probe_rate:g} requests a second of {given.probe_rows} real flights of "
        f"month {month} with what became of them, as probe-rate says; 0 measures real callers alone"
    )
    plan = Plan(given.probe_rate, given.probe_rows, feedback=1.0, connections=8)
    traffic = Traffic(os.environ["PRODUCTION_URL"], flights_of(month, home() / "data"), plan)
    traffic.start()
    return traffic


def shares(text: str) -> tuple[int, ...]:
    """Percentages that grow, from 1 to 100: `10,50,100`."""
    try:
        found = tuple(int(one) for one in text.split(","))
    except ValueError:
        found = ()
    if not found or list(found) != sorted(set(found)) or not 1 <= found[0] <= found[-1] <= 100:
        raise argparse.ArgumentTypeError(f"got {text!r}, allowed: percentages that grow, like 10,50,100")
    return found


def main(argv: list[str] | None = None) -> int:
    """Walk; exit 0 with the canary at its last share, 1 with production as it was before."""
    parser = argparse.ArgumentParser(prog="python -m flights.promotion.canary", description=__doc__.split("\n", 1)[0])
    release.add_release(parser)
    parser.add_argument("--steps", type=shares, default=(10, 50, 100), help="percent of the requests (10,50,100)")
    parser.add_argument("--window", type=float, default=300.0, help="seconds that each step is watched")
    parser.add_argument("--patience", type=float, default=600.0, help="seconds more when there is too little traffic")
    parser.add_argument("--too-little", choices=["back", "on"], default="back", help="what too little traffic means")
    parser.add_argument("--probe-rate", type=float, default=0.0, help="requests a second sent by this step")
    parser.add_argument("--probe-rows", type=int, default=10, help="flights in each")
    parser.add_argument("--feedback", choices=["required", "optional"], default="optional", help="to go on")
    defaults = Limits()
    parser.add_argument("--min-requests", type=int, default=defaults.min_requests, help="of the canary in a step")
    parser.add_argument("--min-rows", type=int, default=defaults.min_rows, help="of each predictor")
    parser.add_argument("--min-known", type=int, default=defaults.min_known, help="rows of each class with their truth")
    parser.add_argument("--max-error-share", type=float, default=defaults.max_error_share)
    parser.add_argument("--p95-ms", type=float, default=defaults.p95_seconds * 1000)
    parser.add_argument("--p99-ms", type=float, default=defaults.p99_seconds * 1000)
    parser.add_argument("--max-psi", type=float, default=defaults.max_psi)
    parser.add_argument("--quality-margin", type=float, default=defaults.quality_margin, help="of balanced accuracy")
    parser.add_argument("--alpha", type=float, default=defaults.alpha, help="chance to condemn a good canary")
    parser.add_argument("--seconds", type=int, default=release.SECONDS, help="how long the canary may take to be ready")
    parser.add_argument("--results", type=Path, default=None, help="folder for verdict, reason, measure, value, bound")
    given = parser.parse_args(argv)
    new, previous = release.named(given.image, given.version), cluster.champion()
    assert new is not None
    outcome = (
        run(given, new, previous)
        if previous is not None and previous.digest != new.digest
        else Outcome(OK, "no champion to compare with" if previous is None else "production runs this digest already")
    )
    if given.results is not None:
        _write(outcome, given.results)
    say(f"---> {'goes on' if outcome.state == OK else 'the promotion ends'}: {outcome.reason}")
    return 0 if outcome.state == OK else 1


def _write(outcome: Outcome, folder: Path) -> None:
    """Results of a Task, each below a kilobyte: Tekton has four for all."""
    found = outcome.finding
    values = {
        "verdict": "go-on" if outcome.state == OK else "rolled-back",
        "reason": outcome.reason[:600],
        "measure": found.measure if found else "",
        "value": f"{found.value:.6g}" if found else "",
        "bound": f"{found.bound:.6g}" if found else "",
    }
    for name, value in values.items():
        (folder / name).write_text(value, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(exit_code(main))
