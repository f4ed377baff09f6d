"""Bring what runs to what a SeldonDeployment says: start, probe, route, replace, stop.

A changed pod template starts new replicas beside the old ones; the gateway moves when all new ones are ready, and
only then are the old ones stopped, so no request meets a server that is not there. Replicas are not adopted after a
restart of the lab: the launcher ends them with the supervisor, so the reconciler starts anew and says so by new pods.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from workshop.lab.admission.seldon import parse
from workshop.lab.controllers.seldon.names import service_name, template_hash
from workshop.lab.controllers.seldon.replicas import BACKOFF_SECONDS, Replica, Replicas
from workshop.lab.controllers.seldon.status import PredictorState, deployment_objects, owner, status_of
from workshop.lab.kinds import KINDS, Kind, Object
from workshop.lab.routes import Backend, Routes
from workshop.lab.store import Store
from workshop.manifests.seldon import Predictor, SeldonDeployment

POLL_SECONDS = 0.15
"""How often a replica that is starting is probed."""
CHECK_SECONDS = 2.0
"""How often a running replica is looked at."""

Key = tuple[str, str]


class SeldonReconciler:
    """Reconciles one SeldonDeployment at a time; holds the replicas that run."""

    def __init__(self, store: Store, replicas: Replicas, routes: Routes, changed: Callable[[], None]) -> None:
        self._store, self._replicas, self._routes, self._changed = store, replicas, routes, changed
        self._running: dict[Key, list[Replica]] = {}
        self._kind = KINDS.named("SeldonDeployment")
        self._pods, self._deployments = KINDS.named("Pod"), KINDS.named("Deployment")
        self._services = KINDS.named("Service")
        self._forget_earlier_pods()

    async def reconcile(self, namespace: str, name: str) -> float | None:
        """One pass; returns the seconds until the next look, or None when the deployment is gone."""
        key = (namespace, name)
        obj = self._store.find(self._kind, namespace, name)
        mine = self._running.setdefault(key, [])
        if obj is None:
            self._routes.remove(namespace, name)
            self._changed()
            for replica in mine:
                await self._replicas.stop(namespace, replica)
            self._running.pop(key, None)
            return None
        sdep = parse(obj)
        self._routes.known.add(key)
        wanted = {p.name: (template_hash(sdep, p), replicas_of(sdep, p)) for p in sdep.spec.predictors}
        for predictor in sdep.spec.predictors:
            hash_, count = wanted[predictor.name]
            current = [r for r in mine if (r.predictor, r.hash) == (predictor.name, hash_)]
            for _ in range(count - len(current)):
                mine.append(await self._replicas.start(sdep, obj["metadata"]["uid"], predictor, hash_))
            for replica in [r for r in mine if (r.predictor, r.hash) == (predictor.name, hash_)]:
                await self._look_at(sdep, predictor, replica)
        await self._retire(sdep, wanted, mine)
        busy = self._write_status(obj, sdep, wanted, mine)
        return POLL_SECONDS if busy else CHECK_SECONDS

    async def stop(self) -> None:
        """Stop every replica; the lab goes down. The objects stay, so the next start brings them back."""
        for (namespace, _), mine in self._running.items():
            for replica in mine:
                if replica.process is not None:
                    await replica.process.stop(2.0)
                if self._store.find(self._pods, namespace, replica.pod):
                    self._store.delete(self._pods, namespace, replica.pod)
        self._running.clear()
        await self._replicas.close()

    def targets(self) -> list[tuple[Object, Replica]]:
        """The pods that run, with their replicas: what Prometheus may scrape."""
        found = []
        for (namespace, _), mine in self._running.items():
            for replica in mine:
                pod = self._store.find(self._pods, namespace, replica.pod)
                if pod is not None and replica.ready:
                    found.append((pod, replica))
        return found

    async def _look_at(self, sdep: SeldonDeployment, predictor: Predictor, replica: Replica) -> None:
        """Restart a replica that has ended, probe one that runs."""
        was_ready = replica.ready
        process = replica.process
        if process is not None and process.code is not None and replica.exit_code is None:
            replica.exit_code = process.code
            replica.ready = False
            replica.not_before = time.monotonic() + BACKOFF_SECONDS[min(replica.restarts, len(BACKOFF_SECONDS) - 1)]
            replica.waiting = "CrashLoopBackOff"
            replica.message = f"the server ended with exit code {process.code}; see oc logs {replica.pod}"
        if replica.waiting and time.monotonic() >= replica.not_before:
            replica.restarts += 1 if replica.exit_code is not None else 0
            await self._replicas.run(sdep, predictor, replica)
        elif replica.process is not None and replica.exit_code is None:
            replica.ready = await self._replicas.probe(predictor, replica)
        if replica.ready != was_ready or not replica.ready:
            self._replicas.show(sdep, predictor, replica)
        if replica.ready != was_ready:
            self._changed()
        if was_ready and not replica.ready:
            self._routes.drop(sdep.namespace, sdep.name, replica.pod)

    async def _retire(self, sdep: SeldonDeployment, wanted: dict[str, tuple[str, int]], mine: list[Replica]) -> None:
        """Route to the wanted replicas that are ready; stop the others once the new ones can take over."""
        keep: list[Replica] = []
        spare: list[Replica] = []
        settled = True
        for predictor in sdep.spec.predictors:
            hash_, count = wanted[predictor.name]
            current = [r for r in mine if (r.predictor, r.hash) == (predictor.name, hash_)]
            current.sort(key=lambda r: not r.ready)
            keep += current[:count]
            spare += current[count:]
            settled = settled and sum(r.ready for r in current[:count]) >= count
        outdated = [r for r in mine if r not in keep and r not in spare]
        serving = [r for r in keep if r.ready] if settled or not outdated else [r for r in outdated if r.ready]
        by_name = {p.name: p for p in sdep.spec.predictors}
        self._routes.set(
            sdep.namespace,
            sdep.name,
            tuple(
                Backend(
                    predictor=r.predictor,
                    pod=r.pod,
                    url=r.url,
                    metrics_url=f"http://127.0.0.1:{r.metrics_port}",
                    traffic=_traffic(sdep, by_name.get(r.predictor)),
                    shadow=bool(by_name.get(r.predictor) and by_name[r.predictor].shadow),
                )
                for r in serving
            ),
        )
        for replica in [*spare, *(outdated if settled else [])]:
            mine.remove(replica)
            await self._replicas.stop(sdep.namespace, replica)
            self._changed()

    def _write_status(
        self, obj: Object, sdep: SeldonDeployment, wanted: dict[str, tuple[str, int]], mine: list[Replica]
    ) -> bool:
        """Write status, Deployments and Services; True while something is still coming up."""
        states: dict[str, PredictorState] = {}
        failures = []
        for predictor in sdep.spec.predictors:
            hash_, count = wanted[predictor.name]
            current = [r for r in mine if (r.predictor, r.hash) == (predictor.name, hash_)]
            states[predictor.name] = PredictorState(predictor.name, count, len(current), sum(r.ready for r in current))
            failures += [
                r.message for r in current if r.waiting and (r.restarts >= 2 or r.waiting == "ImagePullBackOff")
            ]
        uid = obj["metadata"]["uid"]
        status = status_of(sdep, states, failures[0] if failures else "", obj.get("status") or {})
        # Status is written against the object as it was read: a newer spec gets its own pass.
        current_obj = self._store.find(self._kind, sdep.namespace, sdep.name)
        if current_obj is not None and current_obj["metadata"].get("generation") == obj["metadata"].get("generation"):
            self._store.update_status(self._kind, {**current_obj, "status": status})
        for deployment in deployment_objects(sdep, uid, states):
            self._upsert(self._deployments, deployment)
        for predictor in sdep.spec.predictors:
            self._upsert(self._services, _service(sdep, predictor, uid))
        made = {d["metadata"]["name"] for d in deployment_objects(sdep, uid, states)}
        for stale in self._store.list(self._deployments, sdep.namespace, {"seldon-deployment-id": sdep.name}):
            if stale["metadata"]["name"] not in made:
                self._store.delete(self._deployments, sdep.namespace, stale["metadata"]["name"])
        return status["state"] != "Available" or len(mine) != sum(count for _, count in wanted.values())

    def _upsert(self, kind: Kind, obj: Object) -> None:
        meta = obj["metadata"]
        old = self._store.find(kind, meta["namespace"], meta["name"])
        if old is None:
            self._store.create(kind, obj)
        else:
            self._store.update(kind, {**obj, "metadata": {**old["metadata"], **meta, "resourceVersion": ""}})
        if "status" in obj:
            latest = self._store.get(kind, meta["namespace"], meta["name"])
            # `oc rollout status` waits until the controller says that it has seen the spec.
            status = {**obj["status"], "observedGeneration": latest["metadata"].get("generation", 1)}
            self._store.update_status(kind, {**latest, "status": status})

    def _forget_earlier_pods(self) -> None:
        """Pods of an earlier supervisor have no process any more."""
        for pod in self._store.list(self._pods, None, {"app.kubernetes.io/managed-by": "seldon-core"}):
            self._store.delete(self._pods, pod["metadata"]["namespace"], pod["metadata"]["name"])


def replicas_of(sdep: SeldonDeployment, predictor: Predictor) -> int:
    """Replicas wanted: an autoscaler's least, else the componentSpec's, the predictor's, the deployment's, else 1.

    The operator's order. Nothing measures load here, so an autoscaled predictor stays at its least.
    """
    for spec in predictor.component_specs[:1]:
        if spec.hpa_spec is not None:
            return int(spec.hpa_spec.get("minReplicas") or 1)
    for count in (
        predictor.component_specs[0].replicas if predictor.component_specs else None,
        predictor.replicas,
        sdep.spec.replicas,
    ):
        if count is not None:
            return count
    return 1


def _traffic(sdep: SeldonDeployment, predictor: Predictor | None) -> int:
    live = [p for p in sdep.spec.predictors if not p.shadow]
    if predictor is None or len(live) == 1:
        return 100
    return predictor.traffic or 0


def _service(sdep: SeldonDeployment, predictor: Predictor, uid: str) -> Object:
    name = service_name(sdep, predictor)
    return {
        "metadata": {
            "name": name,
            "namespace": sdep.namespace,
            "labels": {"app.kubernetes.io/managed-by": "seldon-core", "seldon-deployment-id": sdep.name},
            "ownerReferences": [owner(sdep, uid)],
        },
        "spec": {
            "type": "ClusterIP",
            "clusterIP": "127.0.0.1",
            "selector": {"seldon-app": name},
            "ports": [{"name": "http", "port": 9000, "protocol": "TCP", "targetPort": "http"}],
        },
    }
