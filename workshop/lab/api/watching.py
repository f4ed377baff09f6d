"""Watches: the changes after a resourceVersion, as a stream of JSON lines.

A change that takes an object out of a selector is sent as DELETED; one that brings it in is sent as ADDED. Bookmarks
give the resourceVersion of the last change. A watch ends after timeoutSeconds, or when its client reads too slowly.
"""

from __future__ import annotations

import random
import time
from collections.abc import AsyncGenerator
from typing import Any

import orjson
from starlette.requests import Request

from workshop.lab.api import answers
from workshop.lab.api.choosing import chosen
from workshop.lab.api.context import Api
from workshop.lab.api.reading import as_table, included
from workshop.lab.api.request import Target, number
from workshop.lab.api.tables import table
from workshop.lab.api.views import View
from workshop.lab.api_errors import BadRequest
from workshop.lab.records import Event, Record
from workshop.manifests.objects import Object

BOOKMARK_EVERY = 30.0
"""Seconds."""


def watch(api: Api, view: View, target: Target, request: Request) -> answers.Stream:
    """Start a watch. Raises BadRequest, Expired."""
    query = target.query
    initial = query.get("sendInitialEvents") == "true"
    if initial and query.get("resourceVersionMatch") != "NotOlderThan":
        raise BadRequest("sendInitialEvents is forbidden: resourceVersionMatch must be NotOlderThan")
    since = number(query, "resourceVersion") or 0
    timeout = number(query, "timeoutSeconds") or random.uniform(1800, 3600)  # noqa: S311
    matches = chosen(api, view, target)
    from_start = since == 0 or initial
    resource, namespace = view.stored.resource, target.namespace

    def mine(record: Record) -> bool:
        return record.kind.resource == resource and (not namespace or record.namespace == namespace)

    subscription = api.store.watch(mine, since=None if from_start else since)
    existing = [r for r in api.store.records(view.stored, namespace or None) if matches(r)] if from_start else []
    version = api.store.version
    lines = _Lines(view, target, table=as_table(request))

    async def chunks() -> AsyncGenerator[bytes]:
        seen = version
        ends = time.monotonic() + timeout
        bookmarks = query.get("allowWatchBookmarks") in ("true", "1")
        try:
            if existing:
                yield b"".join(lines.line("ADDED", record) for record in existing)
            if initial:
                yield lines.bookmark(version, initial=True)
            while (left := ends - time.monotonic()) > 0:
                try:
                    event = await subscription.next(min(left, BOOKMARK_EVERY))
                except TimeoutError:
                    if bookmarks:
                        yield lines.bookmark(max(seen, api.store.version), initial=False)
                    continue
                if event is None:
                    return
                seen = event.record.version
                change = _seen_as(event, matches)
                if change:
                    yield lines.line(change, event.record)
        finally:
            subscription.close()

    return answers.Stream(chunks())


def _seen_as(event: Event, matches: Any) -> str | None:
    """The change as a client with a selector sees it."""
    before = event.previous is not None and matches(event.previous)
    if event.type == "DELETED":
        return "DELETED" if before else None
    after = matches(event.record)
    if after:
        return "MODIFIED" if before else "ADDED"
    return "DELETED" if before else None


class _Lines:
    """Watch events as lines, of objects or of Tables with one row."""

    def __init__(self, view: View, target: Target, *, table: bool) -> None:
        self._view = view
        self._include = included(target)
        self._table = table
        self._first = True

    def line(self, change: str, record: Record) -> bytes:
        body = self._view.body(record)
        if self._table:
            body = self._row(orjson.loads(body), str(record.version))
        return b'{"type":"' + change.encode() + b'","object":' + body + b"}\n"

    def bookmark(self, version: int, *, initial: bool) -> bytes:
        meta: Object = {"resourceVersion": str(version), "creationTimestamp": None}
        if initial:
            meta["annotations"] = {"k8s.io/initial-events-end": "true"}
        kind = self._view.kind
        body = orjson.dumps({"kind": kind.kind, "apiVersion": kind.api_version, "metadata": meta})
        if self._table:
            shown = table(kind, [], {"resourceVersion": str(version)}, definitions=False)
            shown["rows"] = [
                {
                    "cells": [],
                    "object": {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": meta},
                }
            ]
            body = orjson.dumps(shown)
        return b'{"type":"BOOKMARK","object":' + body + b"}\n"

    def _row(self, obj: Object, version: str) -> bytes:
        shown = table(
            self._view.kind, [obj], {"resourceVersion": version}, include=self._include, definitions=self._first
        )
        self._first = False
        return orjson.dumps(shown)
