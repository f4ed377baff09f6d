"""Change what production runs, and leave it in order: the operations that commands are made of."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Self

from delivery import cluster, history
from delivery.cli import command
from delivery.cluster import PRODUCTION, Cluster, Release
from delivery.errors import DeliveryError
from delivery.history import Entry, History
from delivery.registry import Registry
from delivery.usecase import Config

SECONDS = 180
"""How long a deployment may take to be ready."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """The places that a release changes: the cluster, the registry and the history."""

    cluster: Cluster
    registry: Registry
    history: History

    @classmethod
    def of(cls, config: Config) -> Self:
        """Those of a use case."""
        return cls(Cluster(config), Registry(config.deployment), History(config.deployment))

    def deploy(self, new: Release, seconds: int = SECONDS, *, stage: str = PRODUCTION) -> None:
        """Make `main` of a stage run a release; no request fails meanwhile, also where a Route splits them.

        After a canary, the canary answers half of the requests until `main` is ready with the same digest, and is
        removed when it gets no more requests. Half, because it may have fewer replicas than all of them need.
        DeliveryError when production was changed since the canary, as by a rollback.
        """
        running = self.cluster.deployed(stage)
        if stage == PRODUCTION and running and new not in running.values():
            raise DeliveryError(
                f"production was changed by somebody else after the canary, and runs {listed(running)}",
                next=command("history"),
            )
        if running.get("canary") == new:
            both = {"main": new, "canary": new}
            self.cluster.apply("canary", both, (50, 50))
            self.cluster.wait({"main": new}, seconds)
            self.cluster.apply("canary", both, (100, 0))
        self.cluster.apply(stage, {"main": new}, stage=stage)
        self.cluster.wait({"main": new}, seconds, stage=stage)

    def restore(self, previous: Release | None, seconds: int = SECONDS) -> None:
        """Bring production back to a release, or delete it when there was none before."""
        if previous is None:
            self.cluster.delete()
            return
        self.cluster.apply(PRODUCTION, {"main": previous})
        self.cluster.wait({"main": previous}, seconds)

    def entry(self, release: Release, *, came: str, cause: str, reason: str = "", run: str = "", by: str = "",
              since: str = "", until: str = "", left: str = "") -> Entry:  # fmt: skip
        """A history entry with the registry's data of the version: commit, its time, and version of the data."""
        known = self.registry.tags(release.version)
        return Entry(
            image=release.image, digest=release.digest, model_version=release.version,
            git_commit=known.get("git_commit", ""), data_version=known.get("data_version", ""),
            run=run, by=by, came=came, cause=cause, reason=reason, since=since, until=until, left=left,
            committed_at=known.get("committed_at", ""),
        )  # fmt: skip

    def promote(self, new: Release, previous: Release | None, *, run: str, by: str, reason: str = "") -> Entry:
        """Give the alias champion to a version that production runs, and write the history with the reason."""
        came = ("promoted" if run else "promoted by hand") + (f": {reason}" if reason else "")
        made = self.entry(new, came=came, cause=history.PROMOTED, reason=reason, run=run, by=by, since=history.now())
        self.registry.set_champion(new.version, new.digest, came)
        initial = self._initial(previous)
        self.history.change(lambda entries: history.entered(history.with_initial(entries, initial), made))
        return made

    def _initial(self, previous: Release | None) -> Entry | None:
        """An entry for what production ran before its history began."""
        if previous is None or not previous.version:
            return None
        since = self.registry.tags(previous.version).get("promoted_at", "").replace("+00:00", "Z") or history.now()
        return self.entry(previous, came=history.BEFORE, cause=history.PROMOTED, since=since)

    def send_back(self, new: Release, previous: Release | None, *, why: str, run: str, by: str) -> None:
        """Production to what it ran before, first of all; then registry and history record why."""
        self.restore(previous)
        self.record_refused(new, why=why, run=run, by=by)

    def record_refused(self, new: Release, *, why: str, run: str, by: str) -> None:
        """Record in registry and history that production did not keep a release."""
        refused = self.entry(new, came="canary", cause=history.CANARY_REFUSED, reason=why, run=run, by=by,
                             until=history.now(), left=f"rolled back because {why}")  # fmt: skip
        self.registry.refuse(new.version, why)
        self.history.change(lambda entries: history.refused(entries, refused))

    def restore_production(self, new: Release, previous: Release | None, *, why: str, run: str, by: str) -> str:
        """After a failed run: undo what it made, if that is still there. What was done, in words.

        Production goes back to what the history has as present. `previous`, found before people took a day to approve,
        is for a production without a history.
        """
        running = self.cluster.deployed()
        mine = running.get("canary") == new or (running.get("main") == new and previous != new)
        if not mine:
            return "production runs nothing of this run: left as it is"
        present = next((one for one in reversed(self.history.read()) if one.current), None)
        if present is not None and present.digest == new.digest:
            return f"version {new.version} is production by the history: left as it is"
        if present is not None:
            previous = Release(present.image, present.model_version)
        self.send_back(new, previous, why=why, run=run, by=by)
        return f"production runs {previous.digest if previous else 'nothing, as before'} again"

    def rollback(self, wanted: str, because: str, seconds: int, *, by: str = "") -> Entry:
        """Return production to an earlier release; its history entry. `by` is who asked; else `oc whoami` says it.

        A canary or a test that is under way ends with it. DeliveryError when there is no such release, or when it does
        not become ready.
        """
        entries = self.history.read()
        running = self.cluster.deployed()
        present = next((one for one in reversed(entries) if one.current), None)
        # A test, a canary or an image applied by hand gives way to what the history has as present.
        foreign = present is not None and running != {"main": Release(present.image, present.model_version)}
        target = present if present and foreign and not wanted else history.find(entries, wanted)
        goal = Release(target.image, target.model_version)
        if running == {"main": goal}:
            raise DeliveryError(
                f"production runs version {goal.version} already ({goal.digest})", next=command("history")
            )
        self.restore(goal, seconds)
        by = by or cluster.oc("whoami").strip()
        self._record_test(running, goal, because, by)
        if present is not None and present.digest == goal.digest:
            return present
        why = f" because {because}" if because else ""
        came = f"rolled back from version {present.model_version if present else '?'}{why}"
        made = self.entry(goal, came=came, cause=history.ROLLED_BACK, reason=because, by=by, since=history.now())
        self.registry.set_champion(goal.version, goal.digest, came)
        left = f"rolled back to version {goal.version}{why}"
        self.history.change(lambda entries: history.entered(entries, made, left))
        return made

    def _record_test(self, running: dict[str, Release], goal: Release, because: str, by: str) -> None:
        """Record the model that an A/B test or a shadow compared with the champion; a canary's own run does that."""
        for name, one in running.items():
            if name in ("main", "canary") or (name != "shadow" and one.image == goal.image):
                continue
            cause, what = (history.SHADOW, "shadow of") if name == "shadow" else (history.AB_TEST, "A/B test against")
            left = f"the test was ended{f' because {because}' if because else ''}"
            ended = self.entry(one, came=f"{what} version {goal.version}", cause=cause, reason=because, by=by,
                               until=history.now(), left=left)  # fmt: skip
            self.history.change(lambda entries, ended=ended: history.refused(entries, ended))  # type: ignore[misc]


@dataclass(frozen=True, slots=True)
class Approval:
    """Who approved a run, and their message; both may be empty."""

    by: str = ""
    message: str = ""


def approval(run: str) -> Approval:
    """The approval of a run, from its ApprovalTask; an empty one when that cannot be read."""
    try:
        found = json.loads(
            cluster.oc("get", "approvaltask", f"{run}-approve", "--namespace", cluster.namespace(), "--output", "json")
        )
    except DeliveryError:
        return Approval()
    answers = (found.get("status") or {}).get("approversResponse") or []
    return Approval(
        by=", ".join(str(one["name"]) for one in answers),
        message="; ".join(str(one["message"]) for one in answers if one.get("message")),
    )


def named(image: str, version: str) -> Release | None:
    """A release from options; None for `none`. DeliveryError for an image without a digest."""
    return None if image in ("", "none") else Release.of(image, version)


def listed(running: dict[str, Release]) -> str:
    """Predictors and their versions, in words."""
    return ", ".join(f"{name} version {one.version}" for name, one in running.items()) or "nothing"
