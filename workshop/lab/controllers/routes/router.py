"""The router: Routes become hosts of the gateway, which it records in their status.

`status.ingress[0].host` includes the gateway's port, unlike OpenShift's, so that the same command reads the address in
the lab and on a cluster. Of two Routes with the same host and path, the older one is admitted.
"""

from __future__ import annotations

from typing import Any

from workshop.lab.admission.route import admit_route
from workshop.lab.kinds import built_in
from workshop.lab.routes import Host, Routes
from workshop.lab.store import Store, now
from workshop.manifests.objects import Object, status_of


class RouteController:
    """Reconciles Routes."""

    def __init__(self, store: Store, routes: Routes, port: int) -> None:
        self._store, self._routes, self._port = store, routes, port
        self._kind = built_in("Route")

    async def reconcile(self, _namespace: str, _name: str) -> float | None:
        """One pass over all Routes: whether one gets its host depends on the others."""
        hosts: dict[str, list[Host]] = {}
        taken: dict[tuple[str, str], str] = {}
        for found in sorted(self._store.objects(self._kind), key=_age):
            # A Route that was created before this router existed has no host yet.
            route = found if found["spec"].get("host") else self._store.update(self._kind, admit_route(found, None))
            host = _host(route)
            key = (str(route["spec"].get("host") or ""), host.path)
            winner = taken.setdefault(key, f"{host.namespace}/{host.route}")
            mine = winner == f"{host.namespace}/{host.route}"
            if mine and key[0]:
                hosts.setdefault(key[0], []).append(host)
            self._write(route, key[0], "" if mine else f"route {winner} already exposes {key[0]} and is older")
        # The longest path first: it is the most specific.
        self._routes.hosts = {
            name: tuple(sorted(found, key=lambda one: -len(one.path))) for name, found in hosts.items()
        }
        return None

    def _write(self, route: Object, host: str, problem: str) -> None:
        known = (status_of(route).get("ingress") or [{}])[0]
        condition: dict[str, Any] = {"type": "Admitted", "status": "False" if problem else "True"}
        if problem:
            condition |= {"reason": "HostAlreadyClaimed", "message": problem}
        old = (known.get("conditions") or [{}])[0]
        changed = old.get("status") != condition["status"]
        condition["lastTransitionTime"] = now() if changed else old["lastTransitionTime"]
        ingress = {
            "conditions": [condition],
            "host": f"{host}:{self._port}",
            "routerCanonicalHostname": "localhost",
            "routerName": "default",
            "wildcardPolicy": "None",
        }
        if ingress != known:
            self._store.update_status(self._kind, {**route, "status": {"ingress": [ingress]}})


def _host(route: Object) -> Host:
    spec, meta = route["spec"], route["metadata"]
    targets = [spec["to"], *(spec.get("alternateBackends") or [])]
    services = tuple((str(one["name"]), int(one.get("weight", 100))) for one in targets)
    return Host(meta["namespace"], meta["name"], services, str(spec.get("path") or ""))


def _age(route: Object) -> tuple[str, str, str]:
    meta = route["metadata"]
    return meta["creationTimestamp"], meta["namespace"], meta["name"]
