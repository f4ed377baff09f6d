"""Shows an EventListener as a cluster does: its address, conditions, Service, Deployment and Pods.

The sink takes the events of all listeners, so a listener is available as soon as it exists.
"""

from __future__ import annotations

from typing import Any

from workshop.lab.controllers.triggers.logbook import Logbook
from workshop.lab.controllers.triggers.workload import deployment, generated_name, pod, pod_names, service
from workshop.lab.kinds import Kind, built_in
from workshop.lab.store import Store, now
from workshop.manifests.objects import Object, labels_of, status_of

SHIPPED = ("bitbucket", "cel", "github", "gitlab", "slack")
LABEL = "eventlistener"
"""The label of objects that belong to a listener: its name."""


class Listeners:
    """Reconciles one EventListener at a time. `url` is the address of the sink, without a path."""

    def __init__(self, store: Store, url: str, logbook: Logbook) -> None:
        self._store, self._url, self._logbook = store, url, logbook
        self._kind = built_in("EventListener")

    async def reconcile(self, namespace: str, name: str) -> None:
        """One pass. Objects of a deleted listener are deleted through their owner reference."""
        listener = self._store.find(self._kind, namespace, name)
        if listener is None:
            self._logbook.remove(namespace, name, [])
            return
        self._put(built_in("Service"), service(listener))
        self._put(built_in("Deployment"), deployment(listener))
        self._pods(listener)
        status = {
            "address": {"url": f"{self._url}/{namespace}/{name}"},
            "conditions": _conditions(name, status_of(listener).get("conditions") or []),
            "configuration": {"generatedName": generated_name(name)},
        }
        if listener.get("status") != status:
            self._store.update_status(self._kind, {**listener, "status": status})

    def ship_interceptors(self) -> None:
        """Create the interceptors of Triggers as objects, as `oc get clusterinterceptors` lists them on a cluster."""
        kind = built_in("ClusterInterceptor")
        for name in SHIPPED:
            if self._store.find(kind, "", name) is None:
                service = {
                    "name": "tekton-triggers-core-interceptors",
                    "namespace": "openshift-pipelines",
                    "path": name,
                    "port": 8443,
                }
                self._store.create(
                    kind,
                    {
                        "metadata": {"name": name, "labels": {"server/type": "https"}},
                        "spec": {"clientConfig": {"service": service}},
                    },
                )

    def _pods(self, listener: Object) -> None:
        """Create missing Pods and delete Pods of an earlier spec."""
        kind, meta, names = built_in("Pod"), listener["metadata"], pod_names(listener)
        for record in self._store.dependents(meta["uid"]):
            if record.kind.kind == kind.kind and record.name not in names:
                self._store.delete(kind, record.namespace, record.name)
        for name in names:
            if self._store.find(kind, meta["namespace"], name) is None:
                self._store.create(kind, pod(listener, name))
        self._logbook.remove(meta["namespace"], meta["name"], names)

    def _put(self, kind: Kind, wanted: Object) -> None:
        """Create an object, or update one that differs."""
        meta = wanted["metadata"]
        old = self._store.find(kind, meta["namespace"], meta["name"])
        if old is None:
            self._store.create(kind, wanted)
            return
        if all(owner.get("uid") != meta["ownerReferences"][0]["uid"] for owner in _owners(old)):
            return
        labels = {**labels_of(old), **meta["labels"]}
        spec = {**(old.get("spec") or {}), **wanted["spec"]}
        changed = {**old, "metadata": {**old["metadata"], "labels": labels}, "spec": spec}
        if changed != old:
            old = self._store.update(kind, changed)
        if "status" in wanted and old.get("status") != wanted["status"]:
            self._store.update_status(kind, {**old, "status": wanted["status"]})


def _owners(obj: Object) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = obj["metadata"].get("ownerReferences") or []
    return found


def _conditions(name: str, old: list[dict[str, Any]]) -> list[dict[str, Any]]:
    wanted = [
        ("Available", "MinimumReplicasAvailable", "Deployment has minimum availability."),
        ("Deployment", "", "Deployment exists"),
        ("Progressing", "NewReplicaSetAvailable", f'ReplicaSet "el-{name}" has successfully progressed.'),
        ("Ready", "", "EventListener is ready"),
        ("Service", "", "Service exists"),
    ]
    since = {one.get("type"): one.get("lastTransitionTime") for one in old}
    return [
        {
            "lastTransitionTime": since.get(type_) or now(),
            "message": message,
            **({"reason": reason} if reason else {}),
            "status": "True",
            "type": type_,
        }
        for type_, reason, message in wanted
    ]
