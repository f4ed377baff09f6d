"""What was in production when, why it came and why it left: the ConfigMap `<deployment>-history` in production.

An entry links the run, the model's version, the digest, the commit and the version of the data. It is stored in
production's namespace, so it outlasts MLflow, pipeline runs and their pruning. Writers read, change and replace with
the resourceVersion that they read: of two at once, one is refused and reads again. The newest 50 entries are kept.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from delivery import cluster
from delivery.cli import command
from delivery.errors import DeliveryError

KEY, SCHEMA = "history.json", 2
KEPT = 50
TRIES = 10
PROMOTED, ROLLED_BACK, CANARY_REFUSED, AB_TEST, SHADOW = (
    "promoted",
    "rolled-back",
    "canary-refused",
    "ab-test",
    "shadow",
)
"""The causes of an entry. The last three never were production alone."""
BEFORE = "before the history began"
"""`came` of the entry for what production ran before its first recorded promotion."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A release and its time in production; `until` and `left` are empty while it is there.

    `cause` is one of the five above, `reason` what a person or a measure gave for it; `came` and `left` are sentences
    for people. `since` is empty for a canary and a test: they had a part of the requests, or a copy. `committed_at` is
    the time of the commit, UTC; empty where it is not known, as in entries of older versions of the kit.
    """

    image: str
    digest: str
    model_version: str
    git_commit: str
    data_version: str
    run: str
    by: str
    came: str
    since: str
    until: str = ""
    left: str = ""
    cause: str = ""
    reason: str = ""
    committed_at: str = ""

    @property
    def current(self) -> bool:
        """Whether this is what production runs."""
        return bool(self.since) and not self.until


def now() -> str:
    """The time, UTC, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def entered(entries: Sequence[Entry], new: Entry, left: str = "") -> list[Entry]:
    """The history after a release became production; `left` says why the one before left.

    A release that is there already stays as it is, so a retried Task writes nothing twice.
    """
    if any(one.current and one.digest == new.digest and one.model_version == new.model_version for one in entries):
        return list(entries)
    left = left or f"replaced by version {new.model_version}"
    return _kept([*(replace(one, until=new.since, left=left) if one.current else one for one in entries), new])


def with_initial(entries: Sequence[Entry], present: Entry | None) -> list[Entry]:
    """The history with what production ran before its first entry, so that it can be rolled back to as well."""
    return list(entries) if present is None or any(one.since for one in entries) else [*entries, present]


def refused(entries: Sequence[Entry], canary: Entry) -> list[Entry]:
    """The history after a canary was sent back or a test ended: one entry for a run; production's is unchanged."""
    if canary.run and any(one.run == canary.run and one.digest == canary.digest and not one.since for one in entries):
        return list(entries)
    return _kept([*entries, canary])


def find(entries: Sequence[Entry], wanted: str) -> Entry:
    """The newest entry that was production and that `wanted` names: a version, or the beginning of a digest.

    Without `wanted`, the newest release before the present one that was not itself rolled back. So two rollbacks in a
    row go back two releases, and not to the bad one. DeliveryError lists the releases that can be named.
    """
    was = [one for one in entries if one.since]
    present = next((one for one in reversed(was) if one.current), None)
    if wanted:
        found = next((one for one in reversed(was) if _is_named(one, wanted)), None)
    else:
        excluded = {present.digest} if present else set()
        excluded |= _rolled_back(was)
        found = next((one for one in reversed(was) if one.digest not in excluded), None)
    if found:
        return found
    known = ", ".join(dict.fromkeys(f"version {one.model_version} ({one.digest[:19]})" for one in reversed(was)))
    what = f"production never ran {wanted!r}" if wanted else "there is no earlier release that was not rolled back"
    raise DeliveryError(f"{what}, allowed: {known or 'none'}", next=command("history"))


def _is_named(one: Entry, wanted: str) -> bool:
    return one.model_version == wanted.removeprefix("v") or (
        len(wanted) >= 6 and one.digest.removeprefix("sha256:").startswith(wanted.removeprefix("sha256:"))
    )


def _rolled_back(was: Sequence[Entry]) -> set[str]:
    """The digests whose last time in production was ended by a rollback."""
    ended = {}
    for one, following in pairwise(was):
        ended[one.digest] = following.cause == ROLLED_BACK
    return {digest for digest, by_rollback in ended.items() if by_rollback}


class History:
    """The stored history of one deployment."""

    def __init__(self, deployment: str) -> None:
        self.deployment, self.config_map = deployment, f"{deployment}-history"

    def read(self) -> list[Entry]:
        """The entries, oldest first; none when nothing was ever promoted."""
        return entries_of(self._object())

    def change(self, how: Callable[[Sequence[Entry]], list[Entry]]) -> list[Entry]:
        """Change the entries and return them; DeliveryError when other writers were faster ten times."""
        for attempt in range(TRIES):
            found = self._object()
            entries = how(entries_of(found))
            if found is not None and entries == entries_of(found):
                return entries
            made: dict[str, Any] = found or {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {
                    "name": self.config_map,
                    "namespace": cluster.namespace(),
                    "labels": {
                        "app.kubernetes.io/name": self.deployment,
                        "app.kubernetes.io/part-of": "mlops-workshop",
                    },
                },
            }
            content = {"schema": SCHEMA, "entries": [asdict(one) for one in entries]}
            made["data"] = {KEY: json.dumps(content, indent=1)}
            try:
                cluster.oc("replace" if found else "create", "-f", "-", given=json.dumps(made))
            except DeliveryError:
                if attempt == TRIES - 1:
                    raise
                time.sleep(random.uniform(0.05, 0.3))  # noqa: S311 so that two writers do not collide again
                continue
            return entries
        raise AssertionError("unreachable")

    def _object(self) -> dict[str, Any] | None:
        text = cluster.oc("get", "configmap", self.config_map, "--namespace", cluster.namespace(),
                          "--ignore-not-found", "--output", "json")  # fmt: skip
        return json.loads(text) if text.strip() else None


def entries_of(config_map: Mapping[str, Any] | None) -> list[Entry]:
    """The entries of the ConfigMap, oldest first; none without one. DeliveryError when it cannot be read."""
    if config_map is None:
        return []
    try:
        entries = json.loads((config_map.get("data") or {}).get(KEY, '{"entries": []}'))["entries"]
        return [Entry(**one) for one in entries]
    except (ValueError, KeyError, TypeError) as error:
        meta = config_map.get("metadata") or {}
        name, namespace = meta.get("name"), meta.get("namespace")
        raise DeliveryError(
            f"ConfigMap {name} in {namespace} cannot be read: {error}",
            next=f"oc edit configmap {name} -n {namespace}",
        ) from error


def _kept(entries: Sequence[Entry]) -> list[Entry]:
    """The newest entries; the present one always, even when many canaries were sent back since."""
    old, recent = entries[:-KEPT], list(entries[-KEPT:])
    present = [one for one in old if one.current]
    return [*present, *recent[len(present) :]] if present else recent
