"""The lab's objects: durable in SQLite, versioned, watched.

The supervisor's event loop is the only writer, so there are no locks. An accepted write is in SQLite (WAL) before its
response is sent, so `kill -9` loses nothing; a power failure may lose the last moments (synchronous=NORMAL). Objects
are stored as JSON bytes: a reader always gets its own copy, and a list is sent without parsing.

Watches replay from a bounded history in memory. For a resourceVersion that is older than the history, or from before a
restart, the response is `Expired`, and the client lists again, as with a real API server.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import uuid
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import msgspec
import orjson

from workshop.lab.api_errors import AlreadyExists, ApiError, Conflict, Expired, Invalid, NotFound
from workshop.lab.kinds import Kind, Kinds
from workshop.manifests.fitting import mismatches, pruned, without_nulls
from workshop.manifests.objects import Object
from workshop.manifests.schemas import schema_of
from workshop.manifests.types import TYPES

log = logging.getLogger(__name__)
EventType = Literal["ADDED", "MODIFIED", "DELETED"]
Propagation = Literal["Background", "Foreground", "Orphan"]
HISTORY = 10_000
"""Events kept for resumed watches. With about 3 KB each they use at most about 30 MB."""
WATCH_BACKLOG = 10_000
"""Events that a watcher may lag behind. A slower watcher is cut off, which bounds its queue."""

_NAME_RULE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start "
    "and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)


@dataclass(frozen=True)
class Record:
    """One stored object: its JSON as sent, and the fields for selection."""

    kind: Kind
    namespace: str
    name: str
    uid: str
    version: int
    labels: dict[str, str]
    owners: tuple[str, ...]
    body: bytes

    def object(self) -> Object:
        """A copy that the caller may change."""
        parsed: Object = orjson.loads(self.body)
        return parsed


@dataclass(frozen=True)
class Event:
    """One change, as a watch sends it.

    `previous` is for watches with a selector: it shows whether the object matched.
    """

    type: EventType
    record: Record
    previous: Record | None = None


class Watch:
    """A subscription. Iterate it for events; close it at the end.

    It ends when the reader lags more than WATCH_BACKLOG events behind; the client then lists again.
    """

    def __init__(self, store: Store, wanted: Callable[[Record], bool]) -> None:
        self._store = store
        self._wanted = wanted
        self._queue: asyncio.Queue[Event | None] = asyncio.Queue()
        self._closed = False

    def offer(self, event: Event) -> None:
        """Add an event for the reader; called by the store."""
        if self._closed or not self._wanted(event.record):
            return
        if self._queue.qsize() >= WATCH_BACKLOG:
            self.close()
            return
        self._queue.put_nowait(event)

    async def next(self, timeout: float | None = None) -> Event | None:
        """The next event; None when the watch has ended. Raises TimeoutError after `timeout` seconds."""
        if self._closed and self._queue.empty():
            return None
        return await asyncio.wait_for(self._queue.get(), timeout)

    async def __aiter__(self) -> AsyncIterator[Event]:
        while (event := await self.next()) is not None:
            yield event

    def close(self) -> None:
        """Stop receiving. A waiting reader is released."""
        if not self._closed:
            self._closed = True
            self._store.unsubscribe(self)
            self._queue.put_nowait(None)


class Store:
    """All objects of one lab. Only the supervisor opens it."""

    def __init__(self, path: Path | str = ":memory:") -> None:
        self.kinds = Kinds()
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS objects (api_version TEXT, kind TEXT, resource TEXT, namespace TEXT,"
            " name TEXT, uid TEXT, version INTEGER, body BLOB, PRIMARY KEY (resource, namespace, name))"
        )
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS counter (one INTEGER PRIMARY KEY CHECK (one = 1), version INTEGER)"
        )
        self._db.execute("INSERT OR IGNORE INTO counter VALUES (1, 1)")
        self.version: int = self._db.execute("SELECT version FROM counter").fetchone()[0]
        self._objects: dict[str, dict[tuple[str, str], Record]] = {}
        self._by_owner: dict[str, set[tuple[str, str, str]]] = {}
        self._history: deque[Event] = deque(maxlen=HISTORY)
        self._history_floor = self.version
        self._watches: list[Watch] = []

    def close(self) -> None:
        """End every watch and close the file."""
        for watch in list(self._watches):
            watch.close()
        self._db.close()

    def load(self) -> None:
        """Read the objects of an earlier supervisor.

        Objects of a kind that is not in `kinds`, or that do not match its schema (an older lab may have accepted them),
        stay in the file and are not served: readers of the store need not expect values of another type. It may be
        called again when more kinds are known; objects in memory stay.
        """
        rows = self._db.execute("SELECT api_version, kind, namespace, name, body FROM objects").fetchall()
        for api_version, kind_name, namespace, name, body in rows:
            kind = self.kinds.of(api_version, kind_name)
            if kind is None or (namespace, name) in self._objects.get(kind.resource, {}):
                continue
            try:
                obj = fitted(kind, orjson.loads(body))
            except ValueError as e:
                log.warning("%s %s/%s is not served, it does not fit its type: %s", kind.title, namespace, name, e)
                continue
            self._remember(_record(kind, obj))

    # -- reading -----------------------------------------------------------------------------------------------

    def get(self, kind: Kind, namespace: str, name: str) -> Object:
        """One object (a copy). Raises NotFound."""
        return self.record(kind, namespace, name).object()

    def find(self, kind: Kind, namespace: str, name: str) -> Object | None:
        """One object (a copy), or None."""
        record = self._objects.get(kind.resource, {}).get((namespace, name))
        return record.object() if record else None

    def record(self, kind: Kind, namespace: str, name: str) -> Record:
        """One object as it is stored. Raises NotFound."""
        record = self._objects.get(kind.resource, {}).get((namespace, name))
        if record is None:
            raise not_found(kind, name)
        return record

    def records(self, kind: Kind, namespace: str | None = None) -> Iterator[Record]:
        """The objects of a kind, in the order of namespace and name; all namespaces when `namespace` is None."""
        mine = self._objects.get(kind.resource, {})
        for key in sorted(mine):
            if namespace is None or key[0] == namespace:
                yield mine[key]

    def list(self, kind: Kind, namespace: str | None = None, labels: dict[str, str] | None = None) -> list[Object]:
        """The objects of a kind (copies) whose labels include `labels`."""
        wanted = (labels or {}).items()
        return [r.object() for r in self.records(kind, namespace) if wanted <= r.labels.items()]

    def dependents(self, uid: str) -> Sequence[Record]:
        """The objects that name this uid as an owner."""
        return [self._objects[res][(ns, name)] for res, ns, name in sorted(self._by_owner.get(uid, ()))]

    # -- writing -----------------------------------------------------------------------------------------------

    def create(self, kind: Kind, obj: Object, *, dry_run: bool = False) -> Object:
        """Store a new object and return it with uid, creationTimestamp, generation and resourceVersion set.

        `metadata.generateName` gets a random suffix of five characters, as the API server does. A dry run stores
        nothing. Raises AlreadyExists, Invalid (a bad name).
        """
        obj = orjson.loads(orjson.dumps(obj))
        meta = obj.setdefault("metadata", {})
        namespace = meta.get("namespace", "") if kind.namespaced else ""
        if not meta.get("name") and meta.get("generateName"):
            meta["name"] = self._generated(kind, namespace, meta["generateName"])
        check_name(kind, meta.get("name") or "")
        if (namespace, meta["name"]) in self._objects.get(kind.resource, {}):
            raise AlreadyExists(f'{kind.resource} "{meta["name"]}" already exists', details=kind.details(meta["name"]))
        meta["uid"] = str(uuid.uuid4())
        meta["creationTimestamp"] = now()
        if _has_generation(kind):
            meta["generation"] = 1
        return self._write("ADDED", kind, obj, None, dry_run=dry_run)

    def update(self, kind: Kind, obj: Object, *, subresource: str = "", dry_run: bool = False) -> Object:
        """Replace an object; with `subresource="status"` only its status, else everything but its status.

        A `metadata.resourceVersion` in `obj` must be the stored one. The object's identity (uid, creation time, name)
        stays. An update that changes nothing keeps the resourceVersion, as in etcd. Raises NotFound, Conflict.
        """
        meta = obj["metadata"]
        namespace = meta.get("namespace", "") if kind.namespaced else ""
        old_record = self.record(kind, namespace, meta["name"])
        given = meta.get("resourceVersion")
        if given and str(given) != str(old_record.version):
            raise Conflict(
                f'Operation cannot be fulfilled on {kind.resource} "{meta["name"]}": the object has been modified; '
                "please apply your changes to the latest version and try again",
                details=kind.details(meta["name"]),
            )
        if meta.get("uid") and meta["uid"] != old_record.uid:
            raise Conflict(
                f'Operation cannot be fulfilled on {kind.resource} "{meta["name"]}": Precondition failed: UID in '
                f"precondition: {meta['uid']}, UID in object meta: {old_record.uid}",
                details=kind.details(meta["name"]),
            )
        old = old_record.object()
        if subresource == "status":
            new = old_record.object()
            new.pop("status", None)
            if "status" in obj:
                new["status"] = obj["status"]
        else:
            new = orjson.loads(orjson.dumps(obj))
            if "status" in kind.subresources:
                new.pop("status", None)
                if "status" in old:
                    new["status"] = old["status"]
            for key in ("uid", "creationTimestamp", "generation", "namespace"):
                if key in old["metadata"]:
                    new["metadata"][key] = old["metadata"][key]
        new["metadata"]["resourceVersion"] = old["metadata"]["resourceVersion"]
        if new == old:
            return old
        if _has_generation(kind) and _spec_part(new) != _spec_part(old):
            new["metadata"]["generation"] = old["metadata"].get("generation", 1) + 1
        return self._write("MODIFIED", kind, new, old_record, dry_run=dry_run)

    def update_status(self, kind: Kind, obj: Object) -> Object:
        """Replace the status of an object. Raises NotFound, Conflict."""
        return self.update(kind, obj, subresource="status")

    def delete(self, kind: Kind, namespace: str, name: str, *, propagation: Propagation = "Background") -> Object:
        """Delete an object and, unless `Orphan`, its dependents. Returns its last state. Raises NotFound.

        Deletion is immediate. The lab needs no finalizers, because its controllers react to DELETED.
        """
        record = self.record(kind, namespace, name)
        dependents = self.dependents(record.uid)
        self._remove(record)
        for child in dependents:
            if self._objects.get(child.kind.resource, {}).get((child.namespace, child.name)) is None:
                continue
            if propagation == "Orphan":
                orphan = child.object()
                owners = orphan["metadata"].get("ownerReferences", [])
                orphan["metadata"]["ownerReferences"] = [o for o in owners if o.get("uid") != record.uid]
                self._write("MODIFIED", child.kind, orphan, child)
            else:
                self.delete(child.kind, child.namespace, child.name)
        return record.object()

    # -- watching ----------------------------------------------------------------------------------------------

    def watch(self, wanted: Callable[[Record], bool] = lambda _: True, *, since: int | None = None) -> Watch:
        """Subscribe to changes; with `since`, those after that resourceVersion come first. Raises Expired."""
        watch = Watch(self, wanted)
        if since is not None and since < self.version:
            if since < self._history_floor:
                raise Expired(f"too old resource version: {since} ({self._history_floor})")
            for event in self._history:
                if event.record.version > since:
                    watch.offer(event)
        self._watches.append(watch)
        return watch

    def unsubscribe(self, watch: Watch) -> None:
        """Remove a watch; called by `Watch.close`."""
        if watch in self._watches:
            self._watches.remove(watch)

    # -- inside ------------------------------------------------------------------------------------------------

    def _generated(self, kind: Kind, namespace: str, prefix: str) -> str:
        for _ in range(8):
            name = prefix[:58] + _suffix()
            if (namespace, name) not in self._objects.get(kind.resource, {}):
                return name
        raise AlreadyExists(
            f'{kind.resource} "{prefix}" already exists, the server was not able to generate a unique '
            "name for the object",
            details=kind.details(prefix),
        )

    def _write(
        self, type_: EventType, kind: Kind, obj: Object, previous: Record | None, *, dry_run: bool = False
    ) -> Object:
        version = self.version + 1
        obj = {"apiVersion": kind.api_version, "kind": kind.kind, **obj}
        if dry_run:
            return obj
        obj["metadata"]["resourceVersion"] = str(version)
        record = _record(kind, obj)
        with _transaction(self._db) as db:
            db.execute("UPDATE counter SET version = ?", (version,))
            db.execute(
                "INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    kind.api_version,
                    kind.kind,
                    kind.resource,
                    record.namespace,
                    record.name,
                    record.uid,
                    version,
                    record.body,
                ),
            )
        self.version = version
        if previous:
            self._forget(previous)
        self._remember(record)
        self._publish(Event(type_, record, previous))
        return obj

    def _remove(self, record: Record) -> None:
        version = self.version + 1
        last = record.object()
        last["metadata"]["resourceVersion"] = str(version)
        with _transaction(self._db) as db:
            db.execute("UPDATE counter SET version = ?", (version,))
            db.execute(
                "DELETE FROM objects WHERE resource = ? AND namespace = ? AND name = ?",
                (record.kind.resource, record.namespace, record.name),
            )
        self.version = version
        self._forget(record)
        self._publish(Event("DELETED", _record(record.kind, last), record))

    def _remember(self, record: Record) -> None:
        self._objects.setdefault(record.kind.resource, {})[(record.namespace, record.name)] = record
        for uid in record.owners:
            self._by_owner.setdefault(uid, set()).add((record.kind.resource, record.namespace, record.name))

    def _forget(self, record: Record) -> None:
        self._objects[record.kind.resource].pop((record.namespace, record.name), None)
        for uid in record.owners:
            self._by_owner.get(uid, set()).discard((record.kind.resource, record.namespace, record.name))

    def _publish(self, event: Event) -> None:
        if len(self._history) == HISTORY:
            self._history_floor = self._history[0].record.version
        self._history.append(event)
        for watch in list(self._watches):
            watch.offer(event)


class _transaction:
    """An atomic write. A full disk becomes an error that the client can read."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def __enter__(self) -> sqlite3.Connection:
        self._db.execute("BEGIN IMMEDIATE")
        return self._db

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: Any) -> None:
        if kind is None:
            try:
                self._db.execute("COMMIT")
                return
            except sqlite3.Error as e:
                error = e
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")
        if isinstance(error, sqlite3.Error):
            raise ApiError(f"the lab's store cannot write: {error}; free disk space and try again") from error


def fitted(kind: Kind, obj: Object) -> Object:
    """An object of an earlier run in the form of a new write. Raises ValueError when it is not valid."""
    type_ = TYPES.get((kind.api_version, kind.kind))
    if kind.schema is not None or type_ is None:
        if wrong := next(mismatches(obj, kind.schema), None):
            raise ValueError(f"{wrong.path[1:]}: {wrong.wanted}")
        return obj
    try:
        msgspec.convert(obj, type_)
        return obj
    except msgspec.ValidationError:
        pass
    known = schema_of(kind.api_version, kind.kind)
    rest = {key: value for key, value in obj.items() if key != "status"}
    status = pruned(without_nulls({"status": obj.get("status")}), known)
    if not kind.is_lenient:
        rest = {**pruned(rest, known), "metadata": rest["metadata"]}
    msgspec.convert({**rest, **status}, type_)
    return {**rest, **status}


def now() -> str:
    """The time in Kubernetes' format: RFC 3339, UTC, whole seconds."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def not_found(kind: Kind, name: str) -> NotFound:
    """The API server's error for a missing object."""
    return NotFound(f'{kind.resource} "{name}" not found', details=kind.details(name))


def check_name(kind: Kind, name: str) -> None:
    """Raise Invalid unless the API server accepts `name` (RFC 1123 subdomain)."""
    if not name:
        message = "name or generateName is required"
        raise Invalid(
            f'{kind.title} "" is invalid: metadata.name: Required value: {message}',
            details={
                **kind.details(""),
                "kind": kind.kind,
                "causes": [
                    {"reason": "FieldValueRequired", "message": f"Required value: {message}", "field": "metadata.name"}
                ],
            },
        )
    labels = name.split(".")
    fine = len(name) <= 253 and all(
        part
        and part.isascii()
        and part == part.lower()
        and part.replace("-", "a").isalnum()
        and not part.startswith("-")
        and not part.endswith("-")
        for part in labels
    )
    if not fine and kind.group != "rbac.authorization.k8s.io":
        cause = f'Invalid value: "{name}": {_NAME_RULE}'
        raise Invalid(
            f'{kind.title} "{name}" is invalid: metadata.name: {cause}',
            details={
                **kind.details(name),
                "kind": kind.kind,
                "causes": [{"reason": "FieldValueInvalid", "message": cause, "field": "metadata.name"}],
            },
        )


def _record(kind: Kind, obj: Object) -> Record:
    meta = obj["metadata"]
    return Record(
        kind=kind,
        namespace=meta.get("namespace", "") if kind.namespaced else "",
        name=meta["name"],
        uid=meta["uid"],
        version=int(meta["resourceVersion"]),
        labels=meta.get("labels") or {},
        owners=tuple(o["uid"] for o in meta.get("ownerReferences") or [] if "uid" in o),
        body=orjson.dumps(obj),
    )


def _spec_part(obj: Object) -> Object:
    return {key: value for key, value in obj.items() if key not in ("metadata", "status")}


def _has_generation(kind: Kind) -> bool:
    """Core kinds without a status have no generation; custom kinds and workloads have one."""
    return bool(kind.group) or kind.plural in ("pods", "services")


def _suffix() -> str:
    """Five characters from the API server's alphabet, which has no vowels and no similar-looking characters."""
    alphabet = "bcdfghjklmnpqrstvwxz2456789"
    number = uuid.uuid4().int
    return "".join(alphabet[(number >> shift) % len(alphabet)] for shift in (0, 8, 16, 24, 32))
