"""Shows an EventListener as a cluster does: its address, its Service, its conditions.

There is no Deployment behind it: the sink takes events for all listeners, so one is available as soon as it exists.
"""

from __future__ import annotations

from typing import Any

from workshop.lab.controllers.tekton.names import owner_reference
from workshop.lab.kinds import KINDS, Object
from workshop.lab.store import Store, now

SHIPPED = ("bitbucket", "cel", "github", "gitlab", "slack")
_LABELS = {"app.kubernetes.io/managed-by": "EventListener", "app.kubernetes.io/part-of": "Triggers"}


class Listeners:
    """Reconciles one EventListener at a time. `url` is where the sink listens, without a path."""

    def __init__(self, store: Store, url: str) -> None:
        self._store, self._url = store, url
        self._kind = KINDS.named("EventListener")

    async def reconcile(self, namespace: str, name: str) -> None:
        """One pass; what belongs to a listener that is gone goes with it, by its owner."""
        listener = self._store.find(self._kind, namespace, name)
        if listener is None:
            return
        self._service(listener)
        status = {
            "address": {"url": f"{self._url}/{namespace}/{name}"},
            "conditions": _conditions(name, (listener.get("status") or {}).get("conditions") or []),
            "configuration": {"generatedName": f"el-{name}"},
        }
        if listener.get("status") != status:
            self._store.update_status(self._kind, {**listener, "status": status})

    def ship_interceptors(self) -> None:
        """List the interceptors that Triggers ships, as `oc get clusterinterceptors` does on a cluster."""
        kind = KINDS.named("ClusterInterceptor")
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

    def _service(self, listener: Object) -> None:
        meta = listener["metadata"]
        kind = KINDS.named("Service")
        name = f"el-{meta['name']}"
        if self._store.find(kind, meta["namespace"], name) is not None:
            return
        labels = {**_LABELS, "eventlistener": meta["name"]}
        self._store.create(
            kind,
            {
                "metadata": {
                    "name": name,
                    "namespace": meta["namespace"],
                    "labels": labels,
                    "ownerReferences": [owner_reference(listener)],
                },
                "spec": {
                    "type": "ClusterIP",
                    "selector": labels,
                    "ports": [
                        {"name": "http-listener", "port": 8080, "protocol": "TCP", "targetPort": 8080},
                        {"name": "http-metrics", "port": 9000, "protocol": "TCP", "targetPort": 9000},
                    ],
                },
            },
        )


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
