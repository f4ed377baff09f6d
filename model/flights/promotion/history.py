"""What was in production when, why it came and why it left: the ConfigMap flight-delay-history in production.

    python -m flights.promotion.history [-o json]

An entry links the run, the model's version, the digest, the commit and the version of the data. It lives beside what
it tells of, so it outlasts MLflow, pipeline runs and their pruning. Writers read, change and replace with the
resourceVersion they read: of two at once, one is refused and reads again. The newest 50 entries are kept.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from flights.cli import exit_code, say
from flights.errors import FlightsError
from flights.promotion import cluster

CONFIG_MAP, KEY, SCHEMA = "flight-delay-history", "history.json", 1
KEPT = 50
TRIES = 10


@dataclass(frozen=True, slots=True)
class Entry:
    """A release and its time in production; `until` and `left` are empty while it is there.

    `since` is empty for a canary that was sent back: it had a part of the traffic, and was never production.
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

    @property
    def current(self) -> bool:
        """Whether this is what production runs."""
        return bool(self.since) and not self.until


def now() -> str:
    """The time, UTC, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def entered(entries: Sequence[Entry], new: Entry, left: str = "") -> list[Entry]:
    """The history after a release became production: what was there left because of it, unless `left` says more.

    A release that is there already stays as it is, so a retried Task writes nothing twice.
    """
    if any(one.current and one.digest == new.digest and one.model_version == new.model_version for one in entries):
        return list(entries)
    left = left or f"replaced by version {new.model_version}"
    return _kept([*(_ended(one, new.since, left) if one.current else one for one in entries), new])


def begun(entries: Sequence[Entry], present: Entry | None) -> list[Entry]:
    """The history with what production ran before anybody wrote one: it can be rolled back to as well."""
    return list(entries) if present is None or any(one.since for one in entries) else [*entries, present]


def refused(entries: Sequence[Entry], canary: Entry) -> list[Entry]:
    """The history after a canary was sent back or a test ended: told once a run; production's entry is untouched."""
    if canary.run and any(one.run == canary.run and one.digest == canary.digest and not one.since for one in entries):
        return list(entries)
    return _kept([*entries, canary])


def find(entries: Sequence[Entry], wanted: str) -> Entry:
    """The newest entry that was production and that `wanted` names: a version, or the beginning of a digest.

    Without `wanted`, the one before the present. FlightsError tells which there are.
    """
    was = [one for one in entries if one.since]
    present = next((one for one in reversed(was) if one.current), None)
    known = (
        ", ".join(dict.fromkeys(f"version {one.model_version} ({one.digest[:19]})" for one in reversed(was))) or "none"
    )
    for one in reversed(was):
        if not wanted:
            if present is None or one.digest != present.digest:
                return one
        elif one.model_version == wanted.removeprefix("v") or (
            len(wanted) >= 6 and one.digest.removeprefix("sha256:").startswith(wanted.removeprefix("sha256:"))
        ):
            return one
    told = f"production never ran {wanted!r}" if wanted else "there is nothing before what production runs"
    raise FlightsError(f"{told}, allowed: {known}, next: workshop history")


def read() -> list[Entry]:
    """The history, oldest first; empty when nothing was ever promoted."""
    return _entries(_config_map())


def change(how: Callable[[Sequence[Entry]], list[Entry]]) -> list[Entry]:
    """Change the history and return it; FlightsError when others are always faster."""
    for attempt in range(TRIES):
        found = _config_map()
        entries = how(_entries(found))
        if found is not None and entries == _entries(found):
            return entries
        content = {"schema": SCHEMA, "entries": [asdict(one) for one in entries]}
        made: dict[str, Any] = found or {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": CONFIG_MAP,
                "namespace": cluster.namespace(),
                "labels": {"app.kubernetes.io/name": cluster.NAME, "app.kubernetes.io/part-of": "mlops-workshop"},
            },
        }
        made["data"] = {KEY: json.dumps(content, indent=1)}
        try:
            cluster.oc("replace" if found else "create", "-f", "-", given=json.dumps(made))
        except FlightsError:
            if attempt == TRIES - 1:
                raise
            time.sleep(random.uniform(0.05, 0.3))  # noqa: S311 so that two writers part
            continue
        return entries
    raise AssertionError("unreachable")


def _config_map() -> dict[str, Any] | None:
    text = cluster.oc("get", "configmap", CONFIG_MAP, "--namespace", cluster.namespace(), "--ignore-not-found",
                      "--output", "json")  # fmt: skip
    return json.loads(text) if text.strip() else None


def _entries(found: dict[str, Any] | None) -> list[Entry]:
    if found is None:
        return []
    try:
        return [Entry(**one) for one in json.loads((found.get("data") or {}).get(KEY, '{"entries": []}'))["entries"]]
    except (ValueError, KeyError, TypeError) as error:
        raise FlightsError(
            f"ConfigMap {CONFIG_MAP} in {cluster.namespace()} cannot be read: {error}, next: oc edit configmap "
            f"{CONFIG_MAP} -n {cluster.namespace()}"
        ) from error


def _ended(one: Entry, until: str, left: str) -> Entry:
    return replace(one, until=until, left=left)


def _kept(entries: Sequence[Entry]) -> list[Entry]:
    """The newest ones; the present one always, even when many canaries were sent back since."""
    old, recent = entries[:-KEPT], list(entries[-KEPT:])
    present = [one for one in old if one.current]
    return [*present, *recent[len(present) :]] if present else recent


def main(argv: list[str] | None = None) -> int:
    """Print the history, newest first."""
    parser = argparse.ArgumentParser(prog="python -m flights.promotion.history", description=__doc__.split("\n", 1)[0])
    parser.add_argument("-o", "--output", choices=["text", "json"], default="text")
    given = parser.parse_args(argv)
    entries = list(reversed(read()))
    if given.output == "json":
        say(json.dumps({"entries": [asdict(one) for one in entries]}))
        return 0
    if not entries:
        say("production has no history yet, next: oc create -f tekton/runs/promote.yaml")
    for one in entries:
        mark, span = ("*", f"since {one.since}") if one.current else (" ", f"{one.since or 'never'} to {one.until}")
        say(f"{mark} version {one.model_version:<4} {one.digest[:19]}  {span}")
        say(f"    came   {one.came}{f' in {one.run}' if one.run else ''}{f', by {one.by}' if one.by else ''}")
        if one.left:
            say(f"    left   {one.left}")
        say(f"    from   commit {one.git_commit[:12] or 'unknown'}, data {one.data_version or 'unknown'}")
    return 0


if __name__ == "__main__":
    sys.exit(exit_code(main))
