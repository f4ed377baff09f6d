"""The Pods of predictors: their containers' plans, their objects, their start and stop."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import msgspec

from workshop.lab.controllers.events import Events
from workshop.lab.controllers.seldon.names import (
    ENGINE,
    containers,
    deployment_name,
    has_engine,
    labels,
    pod_annotations,
)
from workshop.lab.controllers.seldon.operator_variables import operator_environment
from workshop.lab.controllers.seldon.status import owner
from workshop.lab.kinds import built_in
from workshop.lab.kubelet.containers import Container, Containers
from workshop.lab.kubelet.pod import PodIdentity
from workshop.lab.kubelet.status import serving_status
from workshop.lab.kubelet.variables import CONFIG_ERROR, expand, variables
from workshop.lab.model_servers import ModelContainer, ModelServer
from workshop.lab.paths import LabPaths
from workshop.lab.ports import ReservedPort, reserve
from workshop.lab.runtimes.base import ContainerSpec, Handle, PodError, ServingRuntime
from workshop.lab.store import Store
from workshop.manifests import kubernetes
from workshop.manifests.objects import Object
from workshop.manifests.seldon import Predictor, SeldonDeployment, nodes

GRACE_SECONDS = 20
"""Seconds; the operator's terminationGracePeriodSeconds."""
_POD = {"apiVersion": "v1", "kind": "Pod"}
METRICS = "metrics"
"""The name of the port for metrics; every other port of a container is its HTTP port."""


@dataclass
class Server:
    """One model server: its container and its two ports, which stay the same over restarts."""

    container: Container
    held: tuple[ReservedPort, ReservedPort]

    @property
    def name(self) -> str:
        return self.container.name

    @property
    def ready(self) -> bool:
        return self.container.ready

    @property
    def port(self) -> int:
        return self.held[0].number

    @property
    def metrics_port(self) -> int:
        return self.held[1].number


@dataclass
class Replica:
    """One Pod of a component of a predictor."""

    predictor: str
    index: int
    hash: str
    pod: str
    servers: list[Server]
    orchestrator: str = ""
    """The container that the gateway replaces: the first Pods of a predictor have it."""
    grace: float = GRACE_SECONDS
    began: float = field(default_factory=time.monotonic)

    @property
    def ready(self) -> bool:
        return all(server.ready for server in self.servers)

    @property
    def restarts(self) -> int:
        return max(server.container.restarts for server in self.servers)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.servers[0].port}"

    @property
    def handle(self) -> Handle | None:
        return self.servers[0].container.handle

    def published(self, namespace: str) -> ModelServer:
        """The public description of the Pod, for other parts of the lab."""
        containers = tuple(ModelContainer(s.name, s.port, s.metrics_port) for s in self.servers)
        pid = self.handle.pid if self.handle else None
        return ModelServer(namespace, self.pod, containers, pid, self.orchestrator)

    def trouble(self) -> str:
        """Why the Pod does not start, after a restart did not help; else an empty string."""
        for container in (server.container for server in self.servers):
            if container.waiting and (container.restarts >= 2 or container.waiting != "CrashLoopBackOff"):
                return container.message
        return ""


class Replicas:
    """Starts and stops the Pods of all deployments. The reconciler decides their number."""

    def __init__(
        self,
        store: Store,
        paths: LabPaths,
        runtime: ServingRuntime,
        ended: Callable[[str, str], None] = lambda namespace, name: None,
    ) -> None:
        self._store, self._paths, self._runtime = store, paths, runtime
        self.ended = ended
        """Called with the namespace and the name of a deployment when one of its containers ended."""
        self._pods = built_in("Pod")
        self._events = Events(store, "kubelet")
        self._containers = Containers(runtime)

    async def start(self, sdep: SeldonDeployment, uid: str, predictor: Predictor, index: int, hash_: str) -> Replica:
        """Create a Pod and start its containers.

        A container without an image waits, and its status gives the reason.
        """
        component = predictor.component_specs[index]
        pod = f"{deployment_name(sdep, predictor, index)}-{hash_}-{os.urandom(3).hex()[:5]}"
        replica = Replica(
            predictor=predictor.name,
            index=index,
            hash=hash_,
            pod=pod,
            servers=[_server(pod, spec) for spec in _specs(predictor, index)],
            orchestrator=ENGINE if index == 0 and has_engine(predictor) else "",
            grace=float(component.spec.get("terminationGracePeriodSeconds", GRACE_SECONDS)),
        )
        self._store.create(self._pods, self._pod(sdep, uid, predictor, replica))
        for server, make in self._with_specs(sdep, predictor, replica):
            await self._containers.start(server.container, make, self._exited(sdep))
        self.show(sdep, replica)
        self._report_waiting(sdep.namespace, replica)
        return replica

    async def sync(self, sdep: SeldonDeployment, predictor: Predictor, replica: Replica) -> bool:
        """Restart ended containers and probe running ones. Returns whether anything changed."""
        changed = False
        emit = partial(self._emit, sdep.namespace, replica)
        for server, make in self._with_specs(sdep, predictor, replica):
            changed |= await self._containers.sync(server.container, make, self._exited(sdep), emit)
        if changed:
            self.show(sdep, replica)
            self._report_waiting(sdep.namespace, replica)
        return changed

    async def stop(self, namespace: str, replica: Replica, *, grace: float | None = None) -> None:
        """Stop the containers and delete the Pod. `grace` is in seconds; the default is the Pod's own."""
        seconds = replica.grace if grace is None else grace
        await self._containers.stop([server.container for server in replica.servers], seconds)
        for port in (port for server in replica.servers for port in server.held):
            port.close()
        if self._store.find(self._pods, namespace, replica.pod):
            self._store.delete(self._pods, namespace, replica.pod)

    def show(self, sdep: SeldonDeployment, replica: Replica) -> None:
        """Write the state of a Pod into its status."""
        pod = self._store.find(self._pods, sdep.namespace, replica.pod)
        if pod is not None:
            status = serving_status([s.container for s in replica.servers], pod["metadata"]["creationTimestamp"])
            self._store.update_status(self._pods, {**pod, "status": status})

    def close(self) -> None:
        """Stop watching for the end of containers."""
        self._containers.close()

    def _with_specs(
        self, sdep: SeldonDeployment, predictor: Predictor, replica: Replica
    ) -> list[tuple[Server, Callable[[], ContainerSpec]]]:
        specs = _specs(predictor, replica.index)
        return [
            (server, partial(self._spec, sdep, predictor, replica, server, spec))
            for server, spec in zip(replica.servers, specs, strict=True)
        ]

    def _spec(
        self, sdep: SeldonDeployment, predictor: Predictor, replica: Replica, server: Server, spec: kubernetes.Container
    ) -> ContainerSpec:
        """The plan of a container. Raises PodError when its image, a ConfigMap or a Secret is missing."""
        ref = server.container.image
        image = self._runtime.built_image(ref)
        if image is None:
            raise PodError(
                "ImagePullBackOff",
                f'Back-off pulling image "{ref}": the lab has no such image; build it with a pipeline run',
            )
        unit = next(n for n in nodes(predictor.graph) if n.name == server.name)
        env = operator_environment(sdep, predictor, unit, ref, server.port, server.metrics_port)
        pod = self._store.get(self._pods, sdep.namespace, replica.pod)
        try:
            env |= variables(self._store, _identity(pod), spec.name, spec.env or [], spec.env_from or [], env)
        except PodError as e:
            raise PodError(CONFIG_ERROR, f"Error: {e.message}", spec.name) from e
        log = self._paths.container_log(sdep.namespace, replica.pod, server.name)
        log.parent.mkdir(parents=True, exist_ok=True)
        return ContainerSpec(
            name=spec.name,
            image=image,
            folder=self._paths.pod(sdep.namespace, replica.pod),
            log=log,
            command=tuple(expand(one, env) for one in spec.command or []),
            args=tuple(expand(one, env) for one in spec.args or []),
            env=env,
            working_dir=spec.working_dir or "",
        )

    def _exited(self, sdep: SeldonDeployment) -> Callable[[], None]:
        return lambda: self.ended(sdep.namespace, sdep.name)

    def _emit(self, namespace: str, replica: Replica, reason: str, message: str, warning: bool) -> None:
        pod = self._store.find(self._pods, namespace, replica.pod)
        if pod is not None:
            self._events.emit({**_POD, **pod}, reason, message, warning=warning)

    def _report_waiting(self, namespace: str, replica: Replica) -> None:
        """An event for each container that does not run."""
        for container in (server.container for server in replica.servers):
            if container.waiting:
                reason = "Failed" if container.waiting == CONFIG_ERROR else "BackOff"
                self._emit(namespace, replica, reason, container.message, True)

    def _pod(self, sdep: SeldonDeployment, uid: str, predictor: Predictor, replica: Replica) -> Object:
        component = predictor.component_specs[replica.index]
        shown = []
        for spec, server in zip(containers(component), replica.servers, strict=True):
            # The lab's Pods share the host's network, so each gets free ports instead of 9000 and 6000.
            ports = [
                {"name": "http", "containerPort": server.port, "protocol": "TCP"},
                {"name": METRICS, "containerPort": server.metrics_port, "protocol": "TCP"},
            ]
            shown.append({**spec, "ports": ports})
        return {
            "metadata": {
                "name": replica.pod,
                "namespace": sdep.namespace,
                "labels": {**labels(sdep, predictor, replica.index), "pod-template-hash": replica.hash},
                "annotations": pod_annotations(sdep, predictor, replica.index),
                "ownerReferences": [owner(sdep, uid)],
            },
            "spec": {
                **component.spec,
                "containers": shown,
                "hostNetwork": True,
                "nodeName": "lab",
                "terminationGracePeriodSeconds": int(replica.grace),
            },
            "status": {"phase": "Pending"},
        }


def _specs(predictor: Predictor, index: int) -> list[kubernetes.Container]:
    return msgspec.convert(containers(predictor.component_specs[index]), list[kubernetes.Container])


def _server(pod: str, spec: kubernetes.Container) -> Server:
    held = (reserve(), reserve())
    container = Container(
        name=spec.name,
        image=spec.image or "",
        pod=pod,
        readiness=spec.readiness_probe,
        liveness=spec.liveness_probe,
        ports=lambda port: held[1].number if port == METRICS else held[0].number,
    )
    return Server(container, held)


def _identity(pod: Object) -> PodIdentity:
    meta = pod["metadata"]
    return PodIdentity(
        namespace=meta["namespace"],
        name=meta["name"],
        uid=meta.get("uid", ""),
        service_account=pod["spec"].get("serviceAccountName") or "",
        labels=meta.get("labels") or {},
        annotations=meta.get("annotations") or {},
    )
