"""The logs of steps: their files, the line that says why a step failed, and a log as server-sent events.

The id of an event is the file's offset after the event's text, so a browser that reconnects continues there. The file
is read only as fast as the reader receives. A reader that falls far behind skips to the end and is notified.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from workshop.lab.kinds import built_in
from workshop.lab.pages.runs.streams import KEEP_ALIVE, RETRY, still_here
from workshop.lab.paths import LabPaths
from workshop.lab.store import Store
from workshop.manifests.objects import Object, status_of

POLL = 0.2
"""Seconds between two checks of a file that may grow."""
BLOCK = 64 * 1024
TAIL = 256 * 1024
"""Bytes of a long log that a page shows first; a link leads to the whole log."""
LAG = 2 * 1024 * 1024
"""Bytes that a reader may be behind before it skips to the end.

It must be more than TAIL, or no reader would catch up.
"""
_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_ERROR = re.compile(
    r"^\s*(?:\S+:\s)?(?:error|fatal|critical|failed)\b"
    r"|^\s*E\s{2,}\S"
    r"|^[A-Za-z_][\w.]*(?:Error|Exception|Exit|Failure)\b(?::|$)"
    r"|\berror:\s"
    r"|: (?:command not found|No such file or directory|Permission denied)",
    re.IGNORECASE,
)

_PLACE = re.compile(r'E\s+File "')
"""pytest prints the position of a syntax error before the error itself."""
_SYNTAX = re.compile(r"E\s+\w+Error: ")


@dataclass(frozen=True)
class Container:
    """One container of a Pod in the store."""

    namespace: str
    pod: str
    name: str


def container(store: Store, namespace: str, pod: str, name: str) -> Container | None:
    """The container with these names, if the Pod exists and has it. So a URL cannot name another file."""
    found = store.find(built_in("Pod"), namespace, pod)
    names = [one.get("name") for one in ((found or {}).get("spec") or {}).get("containers") or []]
    return Container(namespace, pod, name) if name in names else None


def error_line(path: Path) -> str:
    """The first line of a log that says what went wrong, else its last line; empty if there is none.

    It reads the last 64 KiB and guesses by the words that tools use for errors. It is for lists with one line for a
    run.
    """
    try:
        stat = path.stat()
    except OSError:
        return ""
    return _error_line(path, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=512)
def _error_line(path: Path, _changed: int, size: int) -> str:
    raw = _read(path, max(0, size - BLOCK), BLOCK)
    lines = [line for line in (_ANSI.sub("", one).strip() for one in raw.decode(errors="replace").splitlines()) if line]
    found = next((line for line in lines if _ERROR.search(line)), lines[-1] if lines else "")
    if _PLACE.match(found):
        found = next((line for line in lines[lines.index(found) :] if _SYNTAX.match(line)), found)
    return found if len(found) <= 300 else f"{found[:299]}…"


async def log_events(store: Store, state: LabPaths, which: Container, at: int | None) -> AsyncGenerator[bytes]:
    """The log as server-sent events until the container has ended and everything is sent.

    `at` is the offset to continue from (the browser's Last-Event-ID), or None for a new reader. Events: `start`
    ({"skipped": bytes}; discard earlier text), messages (a JSON string of text), `end` ({"exitCode": number or null}).
    """
    path = state.container_log(which.namespace, which.pod, which.name)
    yield RETRY
    size = _size(path)
    if at is None or at > size:
        at = _line_after(path, size - TAIL) if size > TAIL else 0
        yield _event("start", {"skipped": at}, at)
    heard = time.monotonic()
    while True:
        code, ended = _ended(store, which)
        while raw := _read(path, at, BLOCK):
            text = raw if ended else _whole(raw)
            if not text:
                break
            at += len(text)
            heard = time.monotonic()
            yield _event("", text.decode(errors="replace"), at)
            if _size(path) - at > LAG:
                at = _line_after(path, _size(path) - TAIL)
                yield _event("start", {"skipped": at}, at)
        if ended:
            yield _event("end", {"exitCode": code}, at)
            return
        if time.monotonic() - heard > KEEP_ALIVE:
            heard = time.monotonic()
            yield still_here()
        await asyncio.sleep(POLL)


def _ended(store: Store, which: Container) -> tuple[int | None, bool]:
    """Exit code and whether the container has ended, by the Pod in the store; a deleted Pod has ended."""
    pod = store.find(built_in("Pod"), which.namespace, which.pod)
    if pod is None:
        return None, True
    status: Object = status_of(pod)
    for one in status.get("containerStatuses") or []:
        ended = (one.get("state") or {}).get("terminated")
        if one.get("name") == which.name and ended:
            return int(ended.get("exitCode") or 0), True
    return None, status.get("phase") in ("Succeeded", "Failed")


def _event(name: str, value: object, at: int) -> bytes:
    head = f"event: {name}\n" if name else ""
    return f"{head}id: {at}\ndata: {json.dumps(value)}\n\n".encode()


def _whole(raw: bytes) -> bytes:
    """The bytes without an incomplete character at the end."""
    for back in range(1, min(4, len(raw) + 1)):
        byte = raw[-back]
        if byte < 0x80:
            break
        if byte >= 0xC0:
            length = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return raw[:-back] if length > back else raw
    return raw


def _line_after(path: Path, at: int) -> int:
    """The offset of the first line that begins after `at`."""
    found = _read(path, at, BLOCK).find(b"\n")
    return at + found + 1 if found >= 0 else at


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _read(path: Path, at: int, limit: int) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(at)
            return file.read(limit)
    except OSError:
        return b""
