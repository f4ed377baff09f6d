"""Events as `kubectl describe` and `kubectl get events` show them.

A repeated event is counted, and events are deleted after an hour, as on a cluster.
"""

from __future__ import annotations

import time
from collections import deque

from workshop.lab.api_errors import ApiError
from workshop.lab.kinds import built_in
from workshop.lab.store import Store, now
from workshop.manifests.objects import Object

KEPT_SECONDS = 3600.0


class Events:
    """Writes events of one component."""

    def __init__(self, store: Store, component: str) -> None:
        self._store, self._component = store, component
        self._kind = built_in("Event")
        self._written: deque[tuple[float, str, str]] = deque()
        self._last: dict[str, tuple[str, str, str]] = {}

    def emit(self, about: Object, reason: str, message: str, *, warning: bool = False) -> None:
        """Record an event of an object. On a full disk the event is lost, and the run continues."""
        meta = about["metadata"]
        key = f"{meta['uid']}/{reason}"
        try:
            self._expire()
            last = self._last.get(key)
            if last and last[2] == message and self._count(last[0], last[1]):
                return
            moment = now()
            name = f"{meta['name']}.{time.time_ns():016x}"
            body: Object = {
                "metadata": {"name": name, "namespace": meta["namespace"]},
                "count": 1,
                "eventTime": None,
                "firstTimestamp": moment,
                "lastTimestamp": moment,
                "involvedObject": {
                    "apiVersion": about["apiVersion"],
                    "kind": about["kind"],
                    "name": meta["name"],
                    "namespace": meta["namespace"],
                    "resourceVersion": meta.get("resourceVersion", ""),
                    "uid": meta["uid"],
                },
                "reason": reason,
                "reportingComponent": self._component,
                "reportingInstance": "",
                "source": {"component": self._component},
                "type": "Warning" if warning else "Normal",
            }
            if message:
                body["message"] = message
            self._store.create(self._kind, body)
        except ApiError:
            return
        self._last[key] = (meta["namespace"], name, message)
        self._written.append((time.monotonic(), meta["namespace"], name))

    def _count(self, namespace: str, name: str) -> bool:
        event = self._store.find(self._kind, namespace, name)
        if event is None:
            return False
        event["count"] = event.get("count", 1) + 1
        event["lastTimestamp"] = now()
        self._store.update(self._kind, event)
        return True

    def _expire(self) -> None:
        while self._written and time.monotonic() - self._written[0][0] > KEPT_SECONDS:
            _, namespace, name = self._written.popleft()
            if self._store.find(self._kind, namespace, name):
                self._store.delete(self._kind, namespace, name)
            self._last = {key: last for key, last in self._last.items() if last[1] != name}
