"""events: what has happened, oldest first."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from workshop.manifests.ages import age, human, parse_time
from workshop.oc.asking import resource
from workshop.oc.flags import BadUsage, Flag
from workshop.oc.printing import Columns, as_json, as_yaml
from workshop.oc.session import Session

FLAGS = {
    "events": (
        Flag("for"),
        Flag("types"),
        Flag("all-namespaces", "A", "yes"),
        Flag("no-headers", "", "yes"),
        Flag("output", "o"),
        Flag("watch", "w", "yes"),
    )
}
Object = dict[str, Any]


def events(session: Session) -> int:
    """Print the events of a namespace, or of one object with --for KIND/NAME."""
    words = session.words
    fields = ""
    if words.text("for"):
        kind, slash, name = words.text("for").partition("/")
        if not slash:
            raise BadUsage("--for must be in resource/name form")
        fields = f"involvedObject.kind={resource(session, kind).kind},involvedObject.name={name}"
    everywhere = words.yes("all-namespaces")
    found = session.client.list("events", session.namespace, fields=fields, everywhere=everywhere)
    types = {one.strip().lower() for one in words.text("types").split(",") if one.strip()}
    found = sorted((one for one in found if not types or str(one.get("type")).lower() in types), key=when)
    if words.text("output") in ("json", "yaml"):
        shown = {"apiVersion": "v1", "items": found, "kind": "List", "metadata": {"resourceVersion": ""}}
        session.say(as_json(shown) if words.text("output") == "json" else as_yaml(shown))
        return 0
    rows = [] if words.yes("no-headers") else [["LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"]]
    rows += [_row(one) for one in found]
    if everywhere:
        names = [] if words.yes("no-headers") else ["NAMESPACE"]
        names += [one["metadata"].get("namespace", "") for one in found]
        rows = [[name, *row] for name, row in zip(names, rows, strict=True)]
    if found:
        columns = Columns()
        for line in columns.lines(rows):
            session.say(line)
        session.out.flush()
    if words.yes("watch"):
        return _watch(session, fields)
    if not found:
        session.warn("No events found." if everywhere else f"No events found in {session.namespace} namespace.")
    return 0


def _watch(session: Session, fields: str) -> int:
    path = session.client.resource("events").path(None if session.words.yes("all-namespaces") else session.namespace)
    now = session.client.http.request("GET", path, query={"limit": "1"})
    query = {
        "watch": "true",
        "resourceVersion": now["metadata"]["resourceVersion"],
        **({"fieldSelector": fields} if fields else {}),
    }
    columns = Columns()
    for line in session.client.http.lines(path, query=query):
        change = json.loads(line)
        if change["type"] in ("ADDED", "MODIFIED"):
            session.say(columns.lines([_row(change["object"])])[0])
            session.out.flush()
    return 0


def _row(event: Object) -> list[str]:
    about = event.get("involvedObject") or {}
    return [
        interval(event),
        str(event.get("type") or ""),
        str(event.get("reason") or ""),
        f"{about.get('kind')}/{about.get('name')}",
        str(event.get("message") or "").strip(),
    ]


def when(event: Object) -> str:
    """The time that events are ordered by."""
    return str(event.get("lastTimestamp") or event.get("eventTime") or event.get("firstTimestamp") or "")


def interval(event: Object) -> str:
    """How long ago, and for repeated events since when: `24s (x2 over 2m)`."""
    last = event.get("lastTimestamp") or event.get("eventTime")
    first = event.get("firstTimestamp") or event.get("eventTime")
    count = event.get("count") or 1
    if count < 2:
        return age(first or last)
    began = parse_time(str(first)) if first else None
    over = human(datetime.now(UTC).timestamp() - began.timestamp()) if began else "<unknown>"
    return f"{age(last)} (x{count} over {over})"
