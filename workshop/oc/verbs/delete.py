"""delete: objects by name, file, selector, or all of a kind."""

from __future__ import annotations

import time

from workshop.cluster.client import ApiFailure
from workshop.oc.asking import FILES, SELECTOR, Named, chosen
from workshop.oc.failures import Failed, Quiet, told
from workshop.oc.flags import BadUsage, Flag
from workshop.oc.session import Session
from workshop.oc.verbs.apply import dry_run
from workshop.oc.verbs.wait import POLL, seconds

FLAGS = {
    "delete": (
        *FILES,
        *SELECTOR,
        Flag("ignore-not-found", "", "yes"),
        Flag("wait", "", "yes"),
        Flag("timeout"),
        Flag("cascade", "", "optional", "background"),
        Flag("now", "", "yes"),
        Flag("force", "", "yes"),
        Flag("grace-period"),
        Flag("output", "o"),
        Flag("all-namespaces", "A", "yes"),
        Flag("dry-run", "", "optional", "client"),
    )
}
_POLICIES = {
    "background": "Background",
    "foreground": "Foreground",
    "orphan": "Orphan",
    "true": "Background",
    "false": "Orphan",
}


def delete(session: Session) -> int:
    """Delete each object and wait until it is gone; 1 when something that was named is not there."""
    words = session.words
    cascade = words.text("cascade", "background")
    if cascade not in _POLICIES:
        raise BadUsage(f'invalid cascade value ({cascade}). Must be "background", "foreground", or "orphan"')
    found = chosen(session, words.args, verb="delete")
    dry = dry_run(session)
    gone: list[Named] = []
    failed = False
    for one in found:
        query = {"dryRun": "All"} if dry == "server" else None
        try:
            if dry == "client":
                session.client.http.request("GET", one.path)
            else:
                session.client.http.request(
                    "DELETE", one.path, query=query, body={"propagationPolicy": _POLICIES[cascade]}
                )
        except ApiFailure as e:
            if e.code == 404 and words.yes("ignore-not-found"):
                continue
            session.warn(told(e))
            failed = True
            continue
        suffix = {"server": " (server dry run)", "client": " (dry run)"}.get(dry, "")
        session.say(
            one.shown if words.text("output") == "name" else f'{one.resource.printed} "{one.name}" deleted{suffix}'
        )
        gone.append(one)
    if words.yes("wait", True) and dry == "none":
        _wait(session, gone)
    if not found and not words.yes("ignore-not-found") and words.args:
        session.say("No resources found")
    if failed:
        raise Quiet
    return 0


def _wait(session: Session, gone: list[Named]) -> None:
    limit = seconds(session.words.text("timeout", "0s")) or 7 * 86400.0
    ends = time.monotonic() + limit
    for one in gone:
        while True:
            try:
                session.client.http.request("GET", one.path)
            except ApiFailure as e:
                if e.code == 404:
                    break
                raise
            if time.monotonic() > ends:
                raise Failed(f"timed out waiting for the condition on {one.resource.plural}/{one.name}")
            time.sleep(POLL)
