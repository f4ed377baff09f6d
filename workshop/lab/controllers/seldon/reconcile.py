"""Reconciles SeldonDeployments: start, probe, route, replace and stop their pods.

A changed pod template starts new pods while the old ones run. The gateway switches when all new pods are ready, and
only then the old ones are stopped, so no request reaches a stopped server. Pods are not adopted after a restart of the
lab: the launcher ends them with the supervisor, so the reconciler starts new pods.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from workshop.lab.admission.seldon import parse
from workshop.lab.controllers.events import Events
from workshop.lab.controllers.seldon.names import deployment_name, template_hash
from workshop.lab.controllers.seldon.owned import KINDS_MADE, owned
from workshop.lab.controllers.seldon.replicas import Replica, Replicas
from workshop.lab.controllers.seldon.routing import Wanted, all_ready, current, targets
from workshop.lab.controllers.seldon.status import ComponentState, deployment_status
from workshop.lab.kinds import Kind, built_in
from workshop.lab.model_servers import ModelServer
from workshop.lab.routes import Routes
from workshop.lab.store import Store
from workshop.manifests.objects import Object, namespace_and_name, status_of
from workshop.manifests.seldon import Predictor, SeldonDeployment

POLL_SECONDS = 0.15
"""Seconds between two probes of a pod that is starting."""
CHECK_SECONDS = 2.0
"""Seconds between two checks of a running pod."""
DEADLINE_SECONDS = 600
"""Seconds; the default progressDeadlineSeconds of a Deployment."""
_SHORT = {"HorizontalPodAutoscaler": "HPA", "PodDisruptionBudget": "PDB"}

Key = tuple[str, str]


class SeldonReconciler:
    """Reconciles one SeldonDeployment at a time and keeps the running pods."""

    def __init__(self, store: Store, replicas: Replicas, routes: Routes, changed: Callable[[], None]) -> None:
        self._store, self._replicas, self._routes, self._changed = store, replicas, routes, changed
        self._running: dict[Key, list[Replica]] = {}
        self._stopping: set[asyncio.Task[None]] = set()
        self._kind, self._pods = built_in("SeldonDeployment"), built_in("Pod")
        self._events = Events(store, "seldon-controller-manager")
        self._forget_earlier_pods()

    async def reconcile(self, namespace: str, name: str) -> float | None:
        """One pass. Returns the seconds until the next pass, or None when the deployment was deleted."""
        key = (namespace, name)
        obj = self._store.find(self._kind, namespace, name)
        mine = self._running.setdefault(key, [])
        if obj is None:
            self._routes.remove(namespace, name)
            self._changed()
            for replica in mine:
                self._stop(namespace, replica)
            self._running.pop(key, None)
            return None
        sdep = parse(obj)
        self._routes.known.add(key)
        wanted: Wanted = {
            (p.name, i): (template_hash(sdep, p, i), replicas_of(sdep, p, i))
            for p in sdep.spec.predictors
            for i in range(len(p.component_specs))
        }
        changed = False
        for predictor in sdep.spec.predictors:
            for index in range(len(predictor.component_specs)):
                hash_, count = wanted[(predictor.name, index)]
                for _ in range(count - len(current(predictor.name, index, wanted, mine))):
                    mine.append(await self._replicas.start(sdep, obj["metadata"]["uid"], predictor, index, hash_))
                for replica in current(predictor.name, index, wanted, mine):
                    changed |= await self._replicas.sync(sdep, predictor, replica)
        self._look_at_old(mine, wanted)
        self._route(sdep, wanted, mine)
        changed |= self._retire(sdep, wanted, mine)
        if changed:
            self._changed()
        busy = self._write_status(obj, sdep, wanted, mine)
        return POLL_SECONDS if busy else CHECK_SECONDS

    async def stop(self) -> None:
        """Stop every pod at the lab's shutdown. The objects stay, so the next start creates the pods again."""
        running = [(namespace, replica) for (namespace, _), mine in self._running.items() for replica in mine]
        await asyncio.gather(*(self._replicas.stop(namespace, replica, grace=2.0) for namespace, replica in running))
        if self._stopping:
            # The launcher ends processes that do not end by themselves.
            await asyncio.wait(self._stopping, timeout=2.0)
        self._running.clear()
        self._replicas.close()

    def model_servers(self) -> list[ModelServer]:
        """The pods that receive requests."""
        return [
            replica.published(namespace)
            for (namespace, _), mine in self._running.items()
            for replica in mine
            if replica.ready
        ]

    def _look_at_old(self, mine: list[Replica], wanted: Wanted) -> None:
        """Pods of an earlier template are not restarted. They answer while they run."""
        for replica in mine:
            if (wanted.get((replica.predictor, replica.index)) or ("", 0))[0] != replica.hash:
                for container in (server.container for server in replica.servers):
                    if container.handle is not None and container.handle.code is not None:
                        container.ready, container.exit_code = False, container.handle.code

    def _route(self, sdep: SeldonDeployment, wanted: Wanted, mine: list[Replica]) -> None:
        before = self._routes.table.get((sdep.namespace, sdep.name), ())
        after = targets(sdep, wanted, mine, before)
        if after != before:
            self._routes.set(sdep.namespace, sdep.name, after)

    def _retire(self, sdep: SeldonDeployment, wanted: Wanted, mine: list[Replica]) -> bool:
        """Stop the unneeded pods in the background. Returns whether there were any."""
        every = all(all_ready(predictor, wanted, mine) for predictor in sdep.spec.predictors)
        done = {p.name for p in sdep.spec.predictors if all_ready(p, wanted, mine)}
        named = {p.name for p in sdep.spec.predictors}
        keep: list[Replica] = []
        for (predictor, index), (_, count) in wanted.items():
            found = current(predictor, index, wanted, mine)
            found.sort(key=lambda r: not r.ready)
            keep += found[:count]
        gone = [
            r
            for r in mine
            if r not in keep
            and (
                (r.hash == (wanted.get((r.predictor, r.index)) or ("",))[0])  # more than wanted of the newest
                or (r.predictor in done if r.predictor in named else every)
                or not any(s.container.running or s.container.waiting for s in r.servers)
            )
        ]
        for replica in gone:
            mine.remove(replica)
            self._stop(sdep.namespace, replica)
        if gone:
            self._route(sdep, wanted, mine)
        return bool(gone)

    def _stop(self, namespace: str, replica: Replica) -> None:
        task = asyncio.get_running_loop().create_task(self._replicas.stop(namespace, replica))
        self._stopping.add(task)
        task.add_done_callback(self._stopping.discard)

    def _write_status(self, obj: Object, sdep: SeldonDeployment, wanted: Wanted, mine: list[Replica]) -> bool:
        """Write the status and the operator's objects. Returns True while a pod is still starting."""
        states: dict[str, ComponentState] = {}
        failures: list[str] = []
        for predictor in sdep.spec.predictors:
            for index in range(len(predictor.component_specs)):
                found = current(predictor.name, index, wanted, mine)
                name, hash_ = deployment_name(sdep, predictor, index), wanted[(predictor.name, index)][0]
                states[name] = state = _state(predictor, index, wanted, mine, found)
                failures += [trouble for r in found if (trouble := r.trouble())]
                if state.overdue:
                    failures.append(f'ReplicaSet "{name}-{hash_}" has timed out progressing.')
        status = deployment_status(sdep, states, failures[0] if failures else "", status_of(obj))
        self._write_owned(obj, sdep, states)
        # The status belongs to the object that was read; a newer spec gets its own pass.
        latest = self._store.find(self._kind, sdep.namespace, sdep.name)
        same = latest is not None and latest["metadata"].get("generation") == obj["metadata"].get("generation")
        if latest is not None and same and status != obj.get("status"):
            if failures:
                self._emit(obj, "InternalError", failures[0], warning=True)
            self._emit(obj, "Updated", f'Updated SeldonDeployment "{sdep.name}"')
            self._store.update_status(self._kind, {**latest, "status": status})
        pods = sum(count for _, count in wanted.values())
        return status["state"] != "Available" or len(mine) != pods

    def _write_owned(self, obj: Object, sdep: SeldonDeployment, states: dict[str, ComponentState]) -> None:
        made: dict[str, set[str]] = {kind.kind: set() for kind in KINDS_MADE}
        for kind, one in owned(sdep, obj["metadata"]["uid"], states):
            made[kind.kind].add(one["metadata"]["name"])
            verb = self._upsert(kind, one)
            if verb:
                self._emit_change(obj, verb, kind, one["metadata"]["name"])
        for kind in KINDS_MADE:
            for stale in self._store.objects(kind, sdep.namespace, {"seldon-deployment-id": sdep.name}):
                if stale["metadata"]["name"] not in made[kind.kind]:
                    self._store.delete(kind, sdep.namespace, stale["metadata"]["name"])
                    self._emit_change(obj, "Delete", kind, stale["metadata"]["name"])

    def _emit_change(self, obj: Object, verb: str, kind: Kind, name: str) -> None:
        self._emit(obj, verb + _SHORT.get(kind.kind, kind.kind), f'{verb}d {kind.kind} "{name}"')

    def _emit(self, obj: Object, reason: str, message: str, *, warning: bool = False) -> None:
        about = {"apiVersion": self._kind.api_version, "kind": self._kind.kind, **obj}
        self._events.emit(about, reason, message, warning=warning)

    def _upsert(self, kind: Kind, obj: Object) -> str:
        """Create or update an object. Returns Create, Update or an empty string, as in the operator's events."""
        meta = obj["metadata"]
        old = self._store.find(kind, meta["namespace"], meta["name"])
        verb = ""
        if old is None:
            self._store.create(kind, obj)
            verb = "Create"
        elif any(obj.get(part) != old.get(part) for part in ("spec",)) or not _includes(old["metadata"], meta):
            self._store.update(kind, {**obj, "metadata": {**old["metadata"], **meta, "resourceVersion": ""}})
            verb = "Update"
        if "status" in obj:
            latest = self._store.get(kind, meta["namespace"], meta["name"])
            # `oc rollout status` waits until the controller has observed the generation.
            status = {**obj["status"], "observedGeneration": latest["metadata"].get("generation", 1)}
            if _timeless(status) != _timeless(status_of(latest)):
                self._store.update_status(kind, {**latest, "status": status})
        return verb

    def _forget_earlier_pods(self) -> None:
        """Delete the Pods of an earlier supervisor: their processes have ended."""
        for pod in self._store.objects(self._pods, None, {"app.kubernetes.io/managed-by": "seldon-core"}):
            self._store.delete(self._pods, *namespace_and_name(pod))


def replicas_of(sdep: SeldonDeployment, predictor: Predictor, index: int = 0) -> int:
    """Pods wanted: an autoscaler's minReplicas, else the componentSpec's, the predictor's, the deployment's, else 1.

    The order is the operator's. Nothing measures load here, so an autoscaled component stays at its minimum.
    """
    component = predictor.component_specs[index]
    if component.hpa_spec is not None:
        return component.hpa_spec.min_replicas or 1
    for count in (component.replicas, predictor.replicas, sdep.spec.replicas):
        if count is not None:
            return count
    return 1


def _state(
    predictor: Predictor, index: int, wanted: Wanted, mine: list[Replica], found: list[Replica]
) -> ComponentState:
    count = wanted[(predictor.name, index)][1]
    ready = sum(r.ready for r in found)
    deadline = predictor.progress_deadline_seconds or DEADLINE_SECONDS
    late = any(not r.ready and time.monotonic() - r.began > deadline for r in found)
    earlier = sum(r.predictor == predictor.name and r.index == index and r not in found for r in mine)
    return ComponentState(count, len(found), ready, earlier, ready < count and late)


def _includes(old: Object, new: Object) -> bool:
    return all(old.get(key) == value for key, value in new.items())


def _timeless(status: Object) -> Object:
    """A status without its times: a change of these alone is not written."""
    conditions = [{k: v for k, v in c.items() if k != "lastTransitionTime"} for c in status.get("conditions") or []]
    return {**status, "conditions": conditions}
