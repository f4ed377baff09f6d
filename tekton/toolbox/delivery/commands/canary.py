"""Give a new digest a growing share of production's requests, and send it back when it is worse.

    python -m delivery canary --image ...@sha256:... --version 4 --rules '{steps: [10, 100], window: 60}'

A canary that is bad goes back at once, and so does one that cannot be measured: production runs its digest again, the
registry and the history record why, exit 1. Without callers, the rule probe-rate sends real rows of a past period
with their truth through production's own address.
"""

from __future__ import annotations

import argparse
import json
import os

from delivery import canaryrules, cluster, measure, usecase
from delivery.canaryrules import CanaryRules
from delivery.card import CARD
from delivery.cli import add_results, command, say, write_results
from delivery.cluster import Release
from delivery.commands.options import add_release
from delivery.errors import DeliveryError
from delivery.prometheus import Prometheus
from delivery.registry import Registry
from delivery.release import SECONDS, Delivery, approval, listed, named
from delivery.rules import OK, UNJUDGED, Finding, Limits, judge
from delivery.steps import InterruptedByOthersError, Outcome, ProductionControl, run_steps
from delivery.traffic import Plan, Traffic
from delivery.usecase import Config, LabelledRow, LabelledRows

PATIENCE_SECONDS = 60.0
"""How long Prometheus may be away, as in a restart, before a canary that cannot be measured goes back."""


def add(parser: argparse.ArgumentParser) -> None:
    """The options."""
    add_release(parser)
    parser.add_argument("--rules", default="", help=f"YAML; names: {', '.join(canaryrules.names())}")
    parser.add_argument("--seconds", type=int, default=SECONDS, help="how long the canary may take to be ready")
    add_results(parser, "decision, reason, measure, value, bound")


def run(given: argparse.Namespace) -> int:
    """Run the steps; exit 0 with the canary at its last share, 1 with production as it was before."""
    config = usecase.read()
    rules = canaryrules.rules(config.canary, given.rules, os.environ.get("CANARY_RULES", ""))
    delivery = Delivery.of(config)
    new, previous = named(given.image, given.version), delivery.cluster.champion()
    if new is None:
        raise DeliveryError(f"--image: got {given.image!r}, allowed: an image by digest")
    if previous is None or previous.digest == new.digest:
        why = "no champion to compare with" if previous is None else "production runs this digest already"
        outcome = Outcome(OK, why)
    else:
        outcome = canary(config, rules, delivery, new, previous, run=given.run, seconds=given.seconds)
    write_results(given.results, _results(outcome))
    say(f"---> {'continues' if outcome.state == OK else 'the promotion ends'}: {outcome.reason}")
    return 0 if outcome.state == OK else 1


def canary(config: Config, rules: CanaryRules, delivery: Delivery, new: Release, previous: Release, *, run: str,
           seconds: int) -> Outcome:  # fmt: skip
    """Deploy the canary, run the steps, and send it back when one fails."""
    if not os.environ.get("PROMETHEUS_URL") and rules.too_little == "on":
        return Outcome(OK, "not measured: PROMETHEUS_URL is not set, and the rule too-little: on says to continue")
    running = delivery.cluster.deployed()
    if running != {"main": previous}:
        raise DeliveryError(
            f"production runs {', '.join(running) or 'nothing'}: another promotion or a test is under way",
            next=f"{command('history')}; {command('rollback')} ends it",
        )
    traffic: Traffic | None = None
    try:
        prometheus = Prometheus.from_environment(cluster.namespace(), PATIENCE_SECONDS)
        delivery.cluster.apply("canary", {"main": previous, "canary": new}, (100, 0))
        delivery.cluster.wait({"canary": new}, seconds)
        say(f"---> version {new.version} is ready next to version {previous.version}, without requests yet")
        if rules.probe_rate > 0:
            traffic = _probe(config, rules, delivery, new)
        control = in_production(config, delivery, prometheus, previous, new)
        outcome = run_steps(rules.plan, rules.limits, control)
    except InterruptedByOthersError as error:
        outcome = Outcome(UNJUDGED, str(error))
        delivery.record_refused(new, why=outcome.reason, run=run, by=approval(run).by)
        return outcome
    except DeliveryError as error:
        outcome = Outcome(UNJUDGED, f"it could not be measured: {error}")
    finally:
        if traffic is not None:
            report = traffic.stop()
            say(f"     the probe sent {report.codes.total()} requests, {report.failed} of them failed")
    if outcome.state != OK:
        say(f"---> back to version {previous.version}: {outcome.reason}")
        delivery.send_back(new, previous, why=outcome.reason, run=run, by=approval(run).by)
        say(f"---> production runs version {previous.version} alone again, {previous.digest}")
    return outcome


def in_production(
    config: Config, delivery: Delivery, prometheus: Prometheus, previous: Release, new: Release
) -> ProductionControl:
    """The real control: shares by overlay, findings by Prometheus."""
    releases = {"main": previous, "canary": new}

    def check_unchanged() -> None:
        running = delivery.cluster.deployed()
        if running != releases:
            raise InterruptedByOthersError(f"production was changed by somebody else: it runs {listed(running)}")

    def share(percent: int) -> None:
        check_unchanged()
        delivery.cluster.apply("canary", releases, (100 - percent, percent))
        say(f"---> {percent} % of the requests go to version {new.version}")

    def look(percent: int, began: float, since: float, limits: Limits, looks: int) -> list[Finding]:
        whole, now = measure.since(prometheus, cluster.namespace(), config, began, since)
        step = now["canary"], now["main"]
        return judge(whole["canary"], whole["main"], limits, step=step, alone=percent == 100, looks=looks)

    return ProductionControl(share, look, check_unchanged, delivery.cluster.ready)


def _probe(config: Config, rules: CanaryRules, delivery: Delivery, new: Release) -> Traffic:
    rows = known_rows(config, delivery.registry, new.version)
    say(
        f"---> this step itself sends {rules.probe_rate:g} requests a second of {rules.probe_rows} real rows of the "
        "model's test period with their truth, as probe-rate says; 0 measures real callers alone"
    )
    plan = Plan(rules.probe_rate, rules.probe_rows, feedback=1.0, connections=8)
    traffic = Traffic(delivery.cluster.url(), rows, plan, task=config.task)
    traffic.start()
    return traffic


def known_rows(config: Config, registry: Registry, version: str) -> LabelledRows:
    """The rows of the model's test period; where the use case's package is missing, those of the version's model.json.

    DeliveryError when the model.json has no rows with their truth.
    """
    if (config.folder / config.package).is_dir():
        return usecase.load(config).labelled_rows("")
    sample = json.loads(registry.file(version, CARD)).get("sample") or {}
    names, truths = sample.get("names") or [], sample.get("truth") or []
    if not truths:
        raise DeliveryError(
            f"{CARD} of version {version} has no rows with their truth, so there is nothing to send",
            next="train it again, or the rule probe-rate: 0",
        )
    rows = zip(sample["rows"], truths, strict=True)
    return LabelledRows([LabelledRow(dict(zip(names, row, strict=True)), truth) for row, truth in rows], names)


def _results(outcome: Outcome) -> dict[str, str]:
    found = outcome.finding
    return {
        "decision": "go-on" if outcome.state == OK else "rolled-back",
        "reason": outcome.reason[:600],
        "measure": found.measure if found else "",
        "value": f"{found.value:.6g}" if found else "",
        "bound": f"{found.bound:.6g}" if found else "",
    }
