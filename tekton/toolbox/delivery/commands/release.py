"""The steps of a promotion around the canary.

    python -m delivery release find --results DIR        what staging runs, or one version, and what production runs;
                                                         its provenance is verified by the rules of --kind
    python -m delivery release deploy --image ...@sha256:... --version 4 [--stage staging]     main gets the digest
    python -m delivery release promote --image ... --version 4 --run R     alias champion, history
    python -m delivery release restore --image ... --version 4 --run R     after a failure: back to what it ran before

restore undoes what its own run has made and nothing else: when somebody has rolled back by hand meanwhile, or another
promotion is under way, production stays as it is.
"""

from __future__ import annotations

import argparse
import os
import time
from datetime import UTC, datetime
from typing import Any

from delivery import cluster, history, provenance, usecase
from delivery.approving import BY_POLICY, PERSON, approver
from delivery.asking import AB_TEST, PROMOTE, SHADOW
from delivery.cli import add_results, command, say, write_results
from delivery.cluster import PRODUCTION, STAGING, Release
from delivery.commands.options import add_release
from delivery.errors import DeliveryError
from delivery.history import CANARY_REFUSED, PROMOTED, Entry
from delivery.provenance import KEY, POLICIES, SIGNED, Statement
from delivery.release import SECONDS, Approval, Delivery, approval, named

SIGNED_SECONDS = 120.0
"""How long the statement of a run that goes on, or has just ended, may take to appear."""
JUST_SECONDS = 60.0
POLL_SECONDS = 2.0


def add(parser: argparse.ArgumentParser) -> None:
    """The options of the four verbs."""
    verbs = parser.add_subparsers(dest="verb", required=True)
    find = verbs.add_parser("find", help="what is to be released, and what production runs")
    find.add_argument("--version", default="", help="of the history instead of what staging runs, for a test")
    find.add_argument("--image", default="", help="of that version, by digest, instead of the one in the history")
    find.add_argument("--kind", choices=list(POLICIES), default=PROMOTE, help="what it is for (default: promote)")
    add_results(find, "image-url, image-digest, model-version, previous-image, previous-version, approval")
    deploy = verbs.add_parser("deploy", help="main of a stage gets the digest")
    deploy.add_argument("--stage", choices=[STAGING, PRODUCTION], default=PRODUCTION)
    deploy.add_argument("--seconds", type=int, default=SECONDS, help="how long it may take to be ready")
    promote = verbs.add_parser("promote", help="alias champion, and the history")
    promote.add_argument("--policy", default="", help="why no person had to approve, for the history")
    restore = verbs.add_parser("restore", help="undo a failed run")
    restore.add_argument("--why", default="its promotion failed", help="why the run failed")
    for verb in (deploy, promote, restore):
        add_release(verb)
    for verb in (promote, restore):
        verb.add_argument("--previous-image", default="none", help="what production ran before the run")
        verb.add_argument("--previous-version", default="")


def run(given: argparse.Namespace) -> int:
    """Do one of the four."""
    delivery = Delivery.of(usecase.read())
    if given.verb == "find":
        write_results(given.results, found(delivery, given.version, given.image, given.kind))
        return 0
    new = named(given.image, given.version)
    if new is None:
        raise DeliveryError(f"--image: got {given.image!r}, allowed: an image by digest")
    if given.verb == "deploy":
        delivery.deploy(new, given.seconds, stage=given.stage)
        say(f"---> {given.stage} runs version {new.version}, {new.digest}")
        return 0
    previous = named(given.previous_image, given.previous_version)
    if given.verb == "promote":
        approved = Approval(BY_POLICY, given.policy) if given.policy else approval(given.run)
        made = delivery.promote(new, previous, run=given.run, by=approved.by, reason=approved.message)
        say(f"---> champion is version {made.model_version}, in production since {made.since}")
    else:
        why = given.why or "its promotion failed"
        done = delivery.restore_production(new, previous, why=why, run=given.run, by=approval(given.run).by)
        say(f"---> {done}")
    return 0


def found(delivery: Delivery, version: str, image: str = "", kind: str = PROMOTE) -> dict[str, str]:
    """The results of `find`.

    DeliveryError when there is nothing to release, when its provenance does not allow it, or production runs a test.
    """
    given = named(image, version)
    new = given or (_of_history(delivery, version) if version else _staged(delivery))
    running = delivery.cluster.deployed()
    if running and list(running) != ["main"]:
        raise DeliveryError(
            f"production runs {' and '.join(running)}: another promotion or a test is under way",
            next=f"{command('history')}; {command('rollback')} ends it",
        )
    previous = running.get("main")
    statement = verify(new, kind, delivery.history.read())
    who, why = (PERSON, "") if kind != PROMOTE else approver(statement, previous is not None, os.environ)
    say(f"---> version {new.version}, {new.image}")
    say(f"---> production runs {previous.image if previous else 'nothing yet'}")
    if why:
        say(f"---> {'a person approves' if who == PERSON else 'the policy approves'}: {why}")
    return {
        "image-url": new.repository,
        "image-digest": new.digest,
        "model-version": new.version,
        "previous-image": previous.image if previous else "none",
        "previous-version": previous.version if previous else "none",
        "approval": who,
        "approval-reason": why or "production has no policy",
    }


def verify(new: Release, kind: str, entries: list[Entry]) -> Statement | None:
    """Accept a release by the statement of the run that built it, or because an earlier statement let it in.

    Returns the statement, None where none was verified now. It waits for the statement of a run that goes on: a run
    asks for a test before it ends. DeliveryError says why it is not accepted. Without a key there is nothing to verify
    with.
    """
    pem = os.environ.get(KEY, "").strip()
    if not pem:
        say(f"---> the provenance is not verified: mlops-endpoints has no {KEY}")
        return None
    before = _let_in(new.digest, kind, entries)
    if before is not None:
        say(f"---> version {before.model_version} is in the history of production ({before.cause}): accepted as before")
        return None
    key, policy = provenance.public_key(pem), POLICIES[kind]
    deadline, waited_for = 0.0, ""
    while True:
        runs = cluster.pipeline_runs()
        # The time begins with the first answer, so a slow API server does not use it up.
        deadline = deadline or time.monotonic() + SIGNED_SECONDS
        try:
            made = provenance.proven(runs, new.digest, key, policy, cluster.namespace(cluster.DEV))
        except DeliveryError as error:
            unsigned = ", ".join(str(one["metadata"]["name"]) for one in runs if _may_prove(one, new.digest, policy))
            if time.monotonic() > deadline or not unsigned:
                raise
            if unsigned != waited_for:
                say(f"---> {error.message}; waiting up to {SIGNED_SECONDS:.0f} s for the statement of {unsigned}")
                waited_for = unsigned
            time.sleep(POLL_SECONDS)
            continue
        say(f"---> built by {made.run} ({made.pipeline}), gate {made.gate}; signed by {provenance.fingerprint(key)}")
        return made


def _let_in(digest: str, kind: str, entries: list[Entry]) -> Entry | None:
    """An entry of the history whose statement was verified by rules that are as strict, or stricter."""
    taken = {PROMOTE: (PROMOTED, CANARY_REFUSED), AB_TEST: (PROMOTED, CANARY_REFUSED, history.AB_TEST)}
    return next(
        (
            one
            for one in reversed(entries)
            if one.digest == digest and (kind == SHADOW or one.since or one.cause in taken[kind])
        ),
        None,
    )


def _may_prove(run: dict[str, Any], digest: str, policy: provenance.Policy) -> bool:
    """Whether a run may soon have a statement that the policy accepts: it goes on, or built the digest just now."""
    pipeline = (run["spec"].get("pipelineRef") or {}).get("name")
    if pipeline not in policy.pipelines or SIGNED in (run["metadata"].get("annotations") or {}):
        return False
    ended = (run.get("status") or {}).get("completionTime")
    if not ended:
        return True
    age = (datetime.now(UTC) - datetime.fromisoformat(ended)).total_seconds()
    return age < JUST_SECONDS and digest in provenance.built(run)


def _staged(delivery: Delivery) -> Release:
    staged = delivery.cluster.deployed(STAGING).get("main")
    if staged is None or not delivery.cluster.ready(STAGING):
        what = f"{staged.image} is not ready" if staged else "it runs nothing"
        raise DeliveryError(
            f"staging has nothing to promote: {what}",
            next="workshop run tekton/runs/train-and-stage.yaml, or runs/train-and-stage.yaml of another use case",
        )
    return Release.of(staged.image, staged.version)


def _of_history(delivery: Delivery, version: str) -> Release:
    entries = delivery.history.read()
    found = next((one for one in reversed(entries) if one.model_version == version), None)
    if found is None:
        known = ", ".join(dict.fromkeys(one.model_version for one in entries)) or "none"
        raise DeliveryError(f"--version: got {version!r}, allowed: {known}", next=command("history"))
    return Release(found.image, version)
