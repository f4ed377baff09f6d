"""Change what production runs, and leave it in order: the steps of a promotion around the canary.

    python -m flights.promotion.release deploy --image ...@sha256:... --version 4    main gets the digest, in staging
                                        with --stage staging
    python -m flights.promotion.release crown --image ... --version 4 --run R        alias champion, history
    python -m flights.promotion.release settle --image ... --version 4 --run R       after a failure: back to what was

settle undoes what its own run has made and nothing else: when somebody has rolled back by hand meanwhile, or another
promotion is under way, production stays as it is.
"""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import replace

from flights.cli import exit_code, say
from flights.errors import FlightsError
from flights.promotion import cluster, history, registry
from flights.promotion.cluster import Release
from flights.promotion.history import Entry

SECONDS = 180
"""How long production may take to be ready."""


def deploy(new: Release, seconds: int = SECONDS, *, stage: str = "production") -> None:
    """Make `main` of a stage run a release; no request fails meanwhile, also where a Route splits them.

    After a canary, the canary goes on answering half of them until `main` is up with the same digest, and leaves when
    no request goes to it any more. Half, because it may have fewer replicas than all of them need. FlightsError when
    production has been changed since the canary, as by a rollback: whoever did that has decided.
    """
    running = cluster.deployed(stage)
    if stage == "production" and running and new not in running.values():
        told = ", ".join(f"{name} version {one.version}" for name, one in running.items())
        raise FlightsError(
            f"production was changed by somebody else after the canary, and runs {told}, next: workshop history"
        )
    if running.get("canary") == new:
        both = {"main": new, "canary": new}
        cluster.apply("canary", both, (50, 50))
        cluster.wait({"main": new}, seconds)
        cluster.apply("canary", both, (100, 0))
    cluster.apply(stage, {"main": new}, stage=stage)
    cluster.wait({"main": new}, seconds, stage=stage)


def restore(previous: Release | None, seconds: int = SECONDS) -> None:
    """Bring production back to a release, or take it away when there was none before."""
    if previous is None:
        cluster.oc("delete", "seldondeployment", cluster.NAME, "--namespace", cluster.namespace(), "--ignore-not-found")
        return
    cluster.apply("production", {"main": previous})
    cluster.wait({"main": previous}, seconds)


def entry(release: Release, *, came: str, run: str, by: str, since: str = "", until: str = "", left: str = "") -> Entry:
    """A history entry with what the registry knows of the version: commit and version of the data."""
    known = registry.tags(release.version)
    return Entry(
        image=release.image,
        digest=release.digest,
        model_version=release.version,
        git_commit=known.get("git_commit", ""),
        data_version=known.get("data_version", ""),
        run=run,
        by=by,
        came=came,
        since=since,
        until=until,
        left=left,
    )


def crown(new: Release, previous: Release | None, *, came: str, run: str, by: str) -> Entry:
    """Give the alias champion to a version that production runs, and write down that it came."""
    made = entry(new, came=came, run=run, by=by, since=history.now())
    registry.crown(new.version, new.digest, came)
    history.change(lambda entries: history.entered(history.begun(entries, _unwritten(previous)), made))
    return made


def _unwritten(previous: Release | None) -> Entry | None:
    """An entry for what production ran before its history began."""
    if previous is None or not previous.version:
        return None
    made = entry(previous, came="before the history began", run="", by="")
    return replace(
        made, since=registry.tags(previous.version).get("promoted_at", "").replace("+00:00", "Z") or history.now()
    )


def send_back(new: Release, previous: Release | None, *, why: str, run: str, by: str) -> None:
    """Production to what it ran before; then the registry and the history learn why. Production comes first."""
    restore(previous)
    remember_refused(new, why=why, run=run, by=by)


def remember_refused(new: Release, *, why: str, run: str, by: str) -> None:
    """Tell registry and history that production did not keep a release."""
    told = entry(new, came="canary", run=run, by=by, until=history.now(), left=f"rolled back because {why}")
    registry.refuse(new.version, why)
    history.change(lambda entries: history.refused(entries, told))


def approver(run: str) -> str:
    """Who let the run through, when it asked: from its ApprovalTask; nothing when that cannot be read."""
    try:
        return cluster.oc("get", "approvaltask", f"{run}-approve", "--output",
                          "jsonpath={.status.approversResponse[*].name}").replace(" ", ", ")  # fmt: skip
    except FlightsError:
        return ""


def settle(new: Release, previous: Release | None, *, why: str, run: str, by: str) -> str:
    """After a failed run: undo what it made, if it is still there. What was done, in words.

    Back to what the history has as present: `previous`, found before people took a day to approve, is for a production
    without one.
    """
    running = cluster.deployed()
    mine = running.get("canary") == new or (running.get("main") == new and previous != new)
    if not mine:
        return "production runs nothing of this run: left as it is"
    present = next((one for one in reversed(history.read()) if one.current), None)
    if present is not None and present.digest == new.digest:
        return f"version {new.version} is production by the history: left as it is"
    if present is not None:
        previous = Release(present.image, present.model_version)
    send_back(new, previous, why=why, run=run, by=by)
    return f"production runs {previous.digest if previous else 'nothing, as before'} again"


def add_release(parser: argparse.ArgumentParser) -> None:
    """The options that name a release and the run that moves it."""
    parser.add_argument("--image", required=True, help="by digest: registry/name@sha256:...")
    parser.add_argument("--version", required=True, help="of the model in the registry")
    parser.add_argument("--run", default=os.environ.get("PIPELINE_RUN", ""), help="the PipelineRun, for the history")


def named(image: str, version: str) -> Release | None:
    """A release from options; None for `none`. FlightsError for an image without a digest."""
    return None if image in ("", "none") else Release.of(image, version)


def main(argv: list[str] | None = None) -> int:
    """deploy, crown or settle."""
    parser = argparse.ArgumentParser(prog="python -m flights.promotion.release", description=__doc__.split("\n", 1)[0])
    verbs = parser.add_subparsers(dest="verb", required=True)
    helps = {"deploy": "main gets the digest", "crown": "alias and history", "settle": "undo a failed run"}
    for verb, help_ in helps.items():
        one = verbs.add_parser(verb, help=help_)
        add_release(one)
        one.add_argument("--seconds", type=int, default=SECONDS, help="how long it may take to be ready")
        one.add_argument("--stage", choices=["staging", "production"], default="production", help="where to deploy")
        one.add_argument("--previous-image", default="none", help="what production ran before the run")
        one.add_argument("--previous-version", default="")
        one.add_argument("--why", default="", help="why the run failed")
    given = parser.parse_args(argv)
    new = named(given.image, given.version)
    assert new is not None
    if given.verb == "deploy":
        deploy(new, given.seconds, stage=given.stage)
        say(f"---> {given.stage} runs version {new.version}, {new.digest}")
    elif given.verb == "crown":
        came = "promoted" if given.run else "promoted by hand"
        made = crown(
            new, named(given.previous_image, given.previous_version), came=came, run=given.run, by=approver(given.run)
        )
        say(f"---> champion is version {made.model_version}, in production since {made.since}")
    else:
        previous = named(given.previous_image, given.previous_version)
        why = given.why or "its promotion failed"
        say(f"---> {settle(new, previous, why=why, run=given.run, by=approver(given.run))}")
    return 0


if __name__ == "__main__":
    sys.exit(exit_code(main))
