"""The steps of a promotion around the canary.

    python -m delivery release find --results DIR        what staging runs, or one version, and what production runs
    python -m delivery release deploy --image ...@sha256:... --version 4 [--stage staging]     main gets the digest
    python -m delivery release promote --image ... --version 4 --run R     alias champion, history
    python -m delivery release restore --image ... --version 4 --run R     after a failure: back to what it ran before

restore undoes what its own run has made and nothing else: when somebody has rolled back by hand meanwhile, or another
promotion is under way, production stays as it is.
"""

from __future__ import annotations

import argparse

from delivery import usecase
from delivery.cli import add_results, command, say, write_results
from delivery.cluster import PRODUCTION, STAGING, Release
from delivery.commands.options import add_release
from delivery.errors import DeliveryError
from delivery.release import SECONDS, Delivery, approval, named


def add(parser: argparse.ArgumentParser) -> None:
    """The options of the four verbs."""
    verbs = parser.add_subparsers(dest="verb", required=True)
    find = verbs.add_parser("find", help="what is to be released, and what production runs")
    find.add_argument("--version", default="", help="of the history instead of what staging runs, for a test")
    find.add_argument("--image", default="", help="of that version, by digest, instead of the one in the history")
    add_results(find, "image-url, image-digest, model-version, previous-image, previous-version")
    deploy = verbs.add_parser("deploy", help="main of a stage gets the digest")
    deploy.add_argument("--stage", choices=[STAGING, PRODUCTION], default=PRODUCTION)
    deploy.add_argument("--seconds", type=int, default=SECONDS, help="how long it may take to be ready")
    promote = verbs.add_parser("promote", help="alias champion, and the history")
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
        write_results(given.results, found(delivery, given.version, given.image))
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
        approved = approval(given.run)
        made = delivery.promote(new, previous, run=given.run, by=approved.by, reason=approved.message)
        say(f"---> champion is version {made.model_version}, in production since {made.since}")
    else:
        why = given.why or "its promotion failed"
        done = delivery.restore_production(new, previous, why=why, run=given.run, by=approval(given.run).by)
        say(f"---> {done}")
    return 0


def found(delivery: Delivery, version: str, image: str = "") -> dict[str, str]:
    """The results of `find`. DeliveryError when there is nothing to release, or production runs a test."""
    given = named(image, version)
    new = given or (_of_history(delivery, version) if version else _staged(delivery))
    running = delivery.cluster.deployed()
    if running and list(running) != ["main"]:
        raise DeliveryError(
            f"production runs {' and '.join(running)}: another promotion or a test is under way",
            next=f"{command('history')}; {command('rollback')} ends it",
        )
    previous = running.get("main")
    say(f"---> version {new.version}, {new.image}")
    say(f"---> production runs {previous.image if previous else 'nothing yet'}")
    return {
        "image-url": new.repository,
        "image-digest": new.digest,
        "model-version": new.version,
        "previous-image": previous.image if previous else "none",
        "previous-version": previous.version if previous else "none",
    }


def _staged(delivery: Delivery) -> Release:
    staged = delivery.cluster.deployed(STAGING).get("main")
    if staged is None or not delivery.cluster.ready(STAGING):
        what = f"{staged.image} is not ready" if staged else "it runs nothing"
        raise DeliveryError(
            f"staging has nothing to promote: {what}", next="oc create -f tekton/runs/train-and-stage.yaml"
        )
    return Release.of(staged.image, staged.version)


def _of_history(delivery: Delivery, version: str) -> Release:
    entries = delivery.history.read()
    found = next((one for one in reversed(entries) if one.model_version == version), None)
    if found is None:
        known = ", ".join(dict.fromkeys(one.model_version for one in entries)) or "none"
        raise DeliveryError(f"--version: got {version!r}, allowed: {known}", next=command("history"))
    return Release(found.image, version)
