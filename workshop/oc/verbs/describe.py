"""describe: an object's fields as indented text, and its events.

The same form for every kind but ConfigMaps, whose texts are shown as they are, and Secrets, whose contents stay hidden.
"""

from __future__ import annotations

import base64
import re
from typing import Any

from workshop.oc.asking import FILES, Named, listed, named
from workshop.oc.flags import Flag
from workshop.oc.printing import without_fields
from workshop.oc.session import Session
from workshop.oc.verbs.apply import LAST
from workshop.oc.verbs.events import interval, when

FLAGS = {
    "describe": (
        *FILES,
        Flag("selector", "l"),
        Flag("field-selector"),
        Flag("all-namespaces", "A", "yes"),
        Flag("show-events", "", "yes"),
    )
}
Object = dict[str, Any]
_SKIP = {("metadata", key) for key in ("annotations", "labels", "managedFields", "name", "namespace")}
_ACRONYMS = {"API", "GUID", "OSB", "UID", "URL"}


def describe(session: Session) -> int:
    """Describe each object that is named or selected."""
    first = True
    for one in named(session, session.words.args):
        for obj in [session.client.http.request("GET", one.path)] if one.name else listed(session, one):
            if not first:
                session.say("\n")
            first = False
            _describe(session, one, obj)
    if first:
        session.warn(f"No resources found in {session.namespace} namespace.")
    return 0


def _describe(session: Session, one: Named, obj: Object) -> None:
    meta = obj["metadata"]
    rows: list[tuple[int, str, str | None]] = [
        (0, "Name", meta["name"]),
        (0, "Namespace", meta.get("namespace", "")),
        *_pairs("Labels", meta.get("labels") or {}, "="),
        *_pairs("Annotations", {k: v for k, v in (meta.get("annotations") or {}).items() if k != LAST}, ": "),
    ]
    kind = f"{one.resource.api_version}/{one.resource.kind}"
    if kind in _DATA:
        session.say("\n".join([*_aligned(rows), "", *_DATA[kind](obj)]))
        if kind == "v1/ConfigMap":
            session.say("")
            if session.words.yes("show-events", True):
                _say_events(session, obj, [])
        return
    rows += [
        (0, "API Version", obj.get("apiVersion") or one.resource.api_version),
        (0, "Kind", obj.get("kind") or one.resource.kind),
    ]
    shown = {key: value for key, value in without_fields(obj).items() if key not in ("apiVersion", "kind")}
    rows += list(_fields(shown, 0, ()))
    _say_events(session, obj, rows)


def _say_events(session: Session, obj: Object, rows: list[tuple[int, str, str | None]]) -> None:
    """Say the rows, and the events below them."""
    events = _events(session, obj) if session.words.yes("show-events", True) else None
    if events is not None:
        rows.append((0, "Events", None if events else "<none>"))
    session.say("\n".join(_aligned(rows)))
    for line in events or []:
        session.say(line)


def _config_map(obj: Object) -> list[str]:
    lines = ["Data", "===="]
    for key, text in sorted((obj.get("data") or {}).items()):
        lines += [f"{key}:", "----", text, ""]
    lines += ["", "BinaryData", "===="]
    lines += [f"{key}: {_bytes(text)} bytes" for key, text in sorted((obj.get("binaryData") or {}).items())]
    return lines


def _secret(obj: Object) -> list[str]:
    data = obj.get("data") or {}
    width = max(map(len, data), default=0) + 3
    sizes = [f"{key + ':':<{width}}{_bytes(text)} bytes" for key, text in sorted(data.items())]
    return [f"Type:  {obj.get('type') or 'Opaque'}", "", "Data", "====", *sizes]


def _bytes(encoded: str) -> int:
    return len(base64.b64decode(encoded or ""))


_DATA = {"v1/ConfigMap": _config_map, "v1/Secret": _secret}


def _pairs(title: str, pairs: dict[str, str], sign: str) -> list[tuple[int, str, str | None]]:
    if not pairs:
        return [(0, title, "<none>")]
    lines = [f"{key}{sign}{value}" for key, value in sorted(pairs.items())]
    return [(0, title, lines[0]), *((-1, "", line) for line in lines[1:])]


def _fields(value: Any, depth: int, path: tuple[str, ...]) -> list[tuple[int, str, str | None]]:
    rows: list[tuple[int, str, str | None]] = []
    for key in sorted(value):
        one = value[key]
        if (*path, key) in _SKIP:
            continue
        title = _title(key)
        if isinstance(one, dict):
            rows += [(depth, title, None), *_fields(one, depth + 1, (*path, key))]
        elif isinstance(one, list):
            rows.append((depth, title, None))
            for item in one:
                if isinstance(item, dict):
                    rows += _fields(item, depth + 1, (*path, key))
                else:
                    rows.append((depth + 1, "", _text(item)))
        else:
            rows.append((depth, title, _text(one)))
    return rows


def _text(value: Any) -> str:
    if value is None:
        return "<nil>"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _title(key: str) -> str:
    """`apiVersion` as `API Version`; a key with digits or signs stays as it is."""
    if not re.fullmatch(r"[A-Za-z-]+", key):
        return key
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?=-)|(?<=-)", " ", key)
    return " ".join(
        part.upper() if part.upper() in _ACRONYMS else part[:1].upper() + part[1:] for part in spaced.split()
    )


def _aligned(rows: list[tuple[int, str, str | None]]) -> list[str]:
    """Values that follow each other stand in one column, whatever their depth; other lines end the column."""
    lines: list[str] = []
    block: list[tuple[str, str]] = []

    def flush() -> None:
        width = max((len(head) for head, _ in block), default=0) + 2
        lines.extend(head.ljust(width) + value for head, value in block)
        block.clear()

    for depth, title, value in rows:
        head = f"{'  ' * depth}{title}:" if title else ""
        if value is None:
            flush()
            lines.append(head)
        elif not title and depth >= 0:
            flush()
            lines.append("  " * depth + value)
        else:
            block.append((head, value))
            if "\n" in value:
                flush()
    flush()
    return lines


def _events(session: Session, obj: Object) -> list[str]:
    meta = obj["metadata"]
    fields = f"involvedObject.name={meta['name']},involvedObject.uid={meta.get('uid', '')}"
    found = sorted(
        session.client.list("events", meta.get("namespace"), fields=fields, everywhere=not meta.get("namespace")),
        key=when,
    )
    if not found:
        return []
    rows = [["Type", "Reason", "Age", "From", "Message"], ["----", "------", "----", "----", "-------"]]
    for event in found:
        source = (event.get("source") or {}).get("component") or event.get("reportingComponent") or ""
        rows.append(
            [
                str(event.get("type") or ""),
                str(event.get("reason") or ""),
                interval(event),
                str(source),
                str(event.get("message") or "").strip(),
            ]
        )
    widths = [max(len(row[i]) for row in rows) + 2 for i in range(4)]
    return ["  " + "".join(cell.ljust(w) for cell, w in zip(row, widths, strict=False)) + row[4] for row in rows]
