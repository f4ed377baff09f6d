"""The lab's objects: durable in SQLite, versioned, watched.

The supervisor's event loop is the only writer, so there are no locks. An accepted write is in SQLite (WAL) before its
response is sent, so `kill -9` loses nothing; a power failure may lose the last moments (synchronous=NORMAL). Objects
are stored as JSON bytes: a reader always gets its own copy, and a list is sent without parsing.

Watches replay from a bounded history in memory. For a resourceVersion that is older than the history, or from before a
restart, the response is `Expired`, and the client lists again, as with a real API server.
"""

from __future__ import annotations

import logging
import sqlite3
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from operator import itemgetter
from pathlib import Path
from typing import Any, Literal

import msgspec
import orjson

from workshop.lab.api_errors import AlreadyExists, ApiError, Conflict, Expired, NotFound
from workshop.lab.kinds import Kind, Kinds
from workshop.lab.records import Event, EventType, Record, record_of
from workshop.lab.watches import Watch
from workshop.manifests.fitting import mismatches, pruned, without_nulls
from workshop.manifests.objects import Object
from workshop.manifests.schemas import schema_of
from workshop.manifests.types import TYPES

log = logging.getLogger(__name__)
Propagation = Literal["Background", "Foreground", "Orphan"]
HISTORY = 10_000
HISTORY_BYTES = 32 * 1024 * 1024
"""At most so many events, with so many bytes of objects, are kept for resumed watches; and always the last event."""


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
        self._by_owner: dict[str, dict[tuple[str, str, str], Record]] = {}
        self._history: deque[Event] = deque()
        self._history_bytes = 0
        self._history_floor = self.version
        self._watches: list[Watch] = []
        self._changes: dict[str, int] = {}

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
            self._remember(record_of(kind, obj))

    # -- reading -----------------------------------------------------------------------------------------------

    def get(self, kind: Kind, namespace: str, name: str) -> Object:
        """One object (a copy). Raises NotFound."""
        return self.record(kind, namespace, name).object()

    def find(self, kind: Kind, namespace: str, name: str) -> Object | None:
        """One object (a copy), or None."""
        record = self.find_record(kind, namespace, name)
        return record.object() if record else None

    def find_record(self, kind: Kind, namespace: str, name: str) -> Record | None:
        """One object as it is stored, or None."""
        return self._objects.get(kind.resource, {}).get((namespace, name))

    def record(self, kind: Kind, namespace: str, name: str) -> Record:
        """One object as it is stored. Raises NotFound."""
        record = self.find_record(kind, namespace, name)
        if record is None:
            raise not_found(kind, name)
        return record

    def records(self, kind: Kind, namespace: str | None = None) -> Iterator[Record]:
        """The objects of a kind, in the order of namespace and name; all namespaces when `namespace` is None."""
        mine = self._objects.get(kind.resource, {})
        for key in sorted(mine):
            if namespace is None or key[0] == namespace:
                yield mine[key]

    def objects(self, kind: Kind, namespace: str | None = None, labels: dict[str, str] | None = None) -> list[Object]:
        """The objects of a kind (copies) whose labels include `labels`."""
        wanted = (labels or {}).items()
        return [r.object() for r in self.records(kind, namespace) if wanted <= r.labels.items()]

    def last_change(self, kind: Kind) -> int:
        """The version of the last change of any object of a kind; 0 without a change since the start."""
        return self._changes.get(kind.resource, 0)

    def dependents(self, uid: str) -> Sequence[Record]:
        """The objects that name this uid as an owner."""
        return [record for _, record in sorted(self._by_owner.get(uid, {}).items(), key=itemgetter(0))]

    # -- writing -----------------------------------------------------------------------------------------------

    def create(self, kind: Kind, obj: Object, *, dry_run: bool = False) -> Object:
        """Store a new object and return it with uid, creationTimestamp, generation and resourceVersion set.

        `metadata` has a valid `name`, or a `generateName`, to which five random characters are added, as the API server
        does. A dry run stores nothing. Raises AlreadyExists.
        """
        obj = orjson.loads(orjson.dumps(obj))
        meta = obj.setdefault("metadata", {})
        namespace = meta.get("namespace", "") if kind.namespaced else ""
        if not meta.get("name") and meta.get("generateName"):
            meta["name"] = self._generated(kind, namespace, meta["generateName"])
        if (namespace, meta["name"]) in self._objects.get(kind.resource, {}):
            raise AlreadyExists(f'{kind.resource} "{meta["name"]}" already exists', details=kind.details(meta["name"]))
        meta["uid"] = str(uuid.uuid4())
        meta["creationTimestamp"] = now()
        if _has_generation(kind):
            meta["generation"] = 1
        return self._write("ADDED", kind, obj, None, dry_run=dry_run)

    def update(self, kind: Kind, obj: Object, *, dry_run: bool = False) -> Object:
        """Replace an object, except its status.

        A `metadata.resourceVersion` in `obj` must be the stored one. The object's identity (uid, creation time, name)
        stays. An update that changes nothing keeps the resourceVersion, as in etcd. Raises NotFound, Conflict.
        """
        old_record = self._current(kind, obj)
        old = old_record.object()
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

    def update_status(self, kind: Kind, obj: Object, *, dry_run: bool = False) -> Record:
        """Replace the status of an object. Raises NotFound, Conflict, as `update` does."""
        old = self._current(kind, obj)
        new = old.with_status(obj, old.version if dry_run else self.version + 1)
        if new is not old and not dry_run:
            self._save("MODIFIED", new, old)
        return new

    def _current(self, kind: Kind, obj: Object) -> Record:
        """The stored object that `obj` changes. Raises NotFound, Conflict."""
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
        return old_record

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
        after = self.version if since is None else since
        if after < self._history_floor:
            raise Expired(f"too old resource version: {since} ({self._history_floor})")
        watch = Watch(wanted, self._watches.remove)
        self._watches.append(watch)
        for event in self._history if after < self.version else ():
            if event.record.version > after:
                watch.offer(event)
        return watch

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
        obj = {"apiVersion": kind.api_version, "kind": kind.kind, **obj}
        if not dry_run:
            obj["metadata"]["resourceVersion"] = str(self.version + 1)
            self._save(type_, record_of(kind, obj), previous)
        return obj

    def _save(self, type_: EventType, record: Record, previous: Record | None) -> None:
        """Write a record whose version is the next one, and publish it."""
        kind = record.kind
        with _transaction(self._db) as db:
            db.execute("UPDATE counter SET version = ?", (record.version,))
            db.execute(
                "INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    kind.api_version,
                    kind.kind,
                    kind.resource,
                    record.namespace,
                    record.name,
                    record.uid,
                    record.version,
                    record.body,
                ),
            )
        self.version = record.version
        if previous:
            self._forget(previous)
        self._remember(record)
        self._publish(Event(type_, record, previous))

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
        self._publish(Event("DELETED", record_of(record.kind, last), record))

    def _remember(self, record: Record) -> None:
        self._objects.setdefault(record.kind.resource, {})[(record.namespace, record.name)] = record
        for uid in record.owners:
            self._by_owner.setdefault(uid, {})[(record.kind.resource, record.namespace, record.name)] = record

    def _forget(self, record: Record) -> None:
        self._objects[record.kind.resource].pop((record.namespace, record.name), None)
        for uid in record.owners:
            self._by_owner.get(uid, {}).pop((record.kind.resource, record.namespace, record.name), None)

    def _publish(self, event: Event) -> None:
        self._changes[event.record.kind.resource] = event.record.version
        self._history.append(event)
        self._history_bytes += len(event.record.body)
        while len(self._history) > 1 and (len(self._history) > HISTORY or self._history_bytes > HISTORY_BYTES):
            oldest = self._history.popleft().record
            self._history_floor = oldest.version
            self._history_bytes -= len(oldest.body)
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
