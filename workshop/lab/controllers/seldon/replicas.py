"""One pod of a predictor: a process a container, probed, restarted with back-off, ended gracefully, shown as a Pod."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from workshop.lab.controllers.events import Events
from workshop.lab.controllers.seldon.environment import (
    MissingReference,
    expanded,
    operator_environment,
    own_environment,
)
from workshop.lab.controllers.seldon.names import containers, deployment_name, labels, pod_annotations
from workshop.lab.controllers.seldon.status import owner
from workshop.lab.engines.launcher import Launcher, LaunchFailed, Process, Spec
from workshop.lab.images.run import inside, run_environment
from workshop.lab.images.store import ImageStore
from workshop.lab.kinds import Object, built_in
from workshop.lab.paths import LabPaths
from workshop.lab.ports import Held, hold
from workshop.lab.store import Store, now
from workshop.manifests.seldon import Predictor, SeldonDeployment, nodes

GRACE_SECONDS = 20
"""The operator's terminationGracePeriodSeconds."""
BACKOFF_SECONDS = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
"""Waits before each restart; a kubelet starts at ten seconds and ends at five minutes, too slow for a room."""
STEADY_SECONDS = 600.0
"""A server that ran this long starts again at the first wait, as with a kubelet."""
PROBE_TIMEOUT = 1.0
_POD = {"apiVersion": "v1", "kind": "Pod"}


@dataclass
class Server:
    """One container: the process, and how it has fared."""

    name: str
    image: str
    held: tuple[Held, Held]
    """Its two ports, the same ones over all restarts."""
    process: Process | None = None
    ready: bool = False
    restarts: int = 0
    waiting: str = ""
    message: str = ""
    exit_code: int | None = None
    """Of the process that has ended; None while one runs."""
    last_code: int | None = None
    ended: str = ""
    not_before: float = 0.0
    began: float = 0.0
    started: str = ""
    lively: float = 0.0
    """When the liveness probe comes next, on the monotonic clock."""
    lifeless: int = 0

    @property
    def port(self) -> int:
        return self.held[0].number

    @property
    def metrics_port(self) -> int:
        return self.held[1].number

    @property
    def running(self) -> bool:
        return self.process is not None and self.exit_code is None and not self.waiting


@dataclass
class Replica:
    """One pod of a component of a predictor."""

    predictor: str
    index: int
    hash: str
    pod: str
    servers: list[Server]
    grace: float = GRACE_SECONDS
    began: float = field(default_factory=time.monotonic)

    @property
    def ready(self) -> bool:
        return all(server.ready for server in self.servers)

    @property
    def restarts(self) -> int:
        return max(server.restarts for server in self.servers)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.servers[0].port}"

    @property
    def process(self) -> Process | None:
        return self.servers[0].process

    def trouble(self) -> str:
        """What keeps it from coming up, once it is more than a hiccup; or nothing."""
        for server in self.servers:
            if server.waiting and (server.restarts >= 2 or server.waiting != "CrashLoopBackOff"):
                return server.message
        return ""


class Replicas:
    """Starts and stops the pods of all deployments; keeps no decision about how many there should be."""

    def __init__(
        self,
        store: Store,
        state: LabPaths,
        launcher: Launcher,
        images: ImageStore,
        ended: Callable[[str, str], None] = lambda namespace, name: None,
    ) -> None:
        self._store, self._state, self._launcher, self._images = store, state, launcher, images
        self.ended = ended
        """Told the deployment of a process that has just ended."""
        self._pods = built_in("Pod")
        self._events = Events(store, "kubelet")
        self._session: aiohttp.ClientSession | None = None
        self._watching: set[asyncio.Task[None]] = set()

    async def start(self, sdep: SeldonDeployment, uid: str, predictor: Predictor, index: int, hash_: str) -> Replica:
        """Make a pod and start its servers; one whose image is not there waits and says so."""
        component = predictor.component_specs[index]
        replica = Replica(
            predictor=predictor.name,
            index=index,
            hash=hash_,
            pod=f"{deployment_name(sdep, predictor, index)}-{hash_}-{os.urandom(3).hex()[:5]}",
            servers=[Server(str(c["name"]), str(c.get("image", "")), (hold(), hold())) for c in containers(component)],
            grace=float(component.spec.get("terminationGracePeriodSeconds", GRACE_SECONDS)),
        )
        self._store.create(self._pods, self._pod(sdep, uid, predictor, replica))
        for server in replica.servers:
            await self.run(sdep, predictor, replica, server)
        self.show(sdep, replica)
        self._tell_of_waiting(sdep.namespace, replica)
        return replica

    async def run(self, sdep: SeldonDeployment, predictor: Predictor, replica: Replica, server: Server) -> None:
        """Start one server of a pod; called again after a crash."""
        server.waiting = server.message = ""
        server.ready = False
        image = self._images.resolve(server.image)
        if image is None:
            self._wait(
                server,
                "ImagePullBackOff",
                f'Back-off pulling image "{server.image}": the lab has no such image; build it with a pipeline run',
            )
            return
        spec = next(c for c in containers(predictor.component_specs[replica.index]) if c["name"] == server.name)
        unit = next(n for n in nodes(predictor.graph) if n.name == server.name)
        argv, env = run_environment(image, server.port, server.metrics_port)
        env |= operator_environment(sdep, predictor, unit, server.image, server.port, server.metrics_port)
        pod = self._store.get(self._pods, sdep.namespace, replica.pod)
        try:
            env |= own_environment(self._store, pod, spec, env)
        except MissingReference as e:
            self._wait(server, "CreateContainerConfigError", f"Error: {e}")
            return
        # As a container runtime does: command replaces the entry point, args follow the one that is in force.
        if spec.get("command"):
            argv = [expanded(str(a), env) for a in spec["command"]]
        argv += [expanded(str(a), env) for a in spec.get("args") or []]
        cwd = inside(image.root, str(spec["workingDir"])) if spec.get("workingDir") else str(image.app_root / "src")
        log = self._state.container_log(sdep.namespace, replica.pod, server.name)
        log.parent.mkdir(parents=True, exist_ok=True)
        try:
            server.process = await self._launcher.start(Spec(argv=argv, env=env, cwd=cwd, log=log))
        except LaunchFailed as e:
            self._wait(server, "RunContainerError", str(e))
            return
        server.exit_code = None
        server.began, server.started = time.monotonic(), now()
        server.lifeless, server.lively = 0, server.began + _number(spec.get("livenessProbe"), "initialDelaySeconds", 0)
        task = asyncio.get_running_loop().create_task(self._tell(server.process, sdep.namespace, sdep.name))
        self._watching.add(task)
        task.add_done_callback(self._watching.discard)

    async def look_at(self, sdep: SeldonDeployment, predictor: Predictor, replica: Replica) -> bool:
        """Restart what has ended, probe what runs; whether anything changed."""
        before = [(s.ready, s.waiting, s.restarts, s.exit_code) for s in replica.servers]
        for server in replica.servers:
            process = server.process
            if process is not None and process.code is not None and server.exit_code is None:
                self._note_end(replica, server, process.code)
            if server.waiting:
                if time.monotonic() >= server.not_before:
                    server.restarts += 1 if server.exit_code is not None else 0
                    await self.run(sdep, predictor, replica, server)
            elif server.running:
                spec = next(c for c in containers(predictor.component_specs[replica.index]) if c["name"] == server.name)
                server.ready = await self.probe(server, spec.get("readinessProbe"))
                await self._check_life(sdep.namespace, replica, server, spec.get("livenessProbe"))
        changed = before != [(s.ready, s.waiting, s.restarts, s.exit_code) for s in replica.servers]
        if changed:
            self.show(sdep, replica)
            self._tell_of_waiting(sdep.namespace, replica)
        return changed

    async def probe(self, server: Server, probe: Any) -> bool:
        """Whether a server is ready or alive: by the probe's httpGet, else by TCP as the operator does."""
        http = (probe or {}).get("httpGet")
        seconds = _number(probe, "timeoutSeconds", PROBE_TIMEOUT)
        try:
            if not http:
                _, writer = await asyncio.wait_for(asyncio.open_connection("127.0.0.1", server.port), seconds)
                writer.close()
                return True
            port = server.metrics_port if http.get("port") == "metrics" else server.port
            headers = {str(h["name"]): str(h["value"]) for h in http.get("httpHeaders") or []}
            async with self._client().get(
                f"http://127.0.0.1:{port}{http.get('path', '/')}",
                headers=headers,
                timeout=aiohttp.ClientTimeout(total=seconds),
            ) as answer:
                return answer.status < 400
        except (OSError, TimeoutError, aiohttp.ClientError):
            return False

    async def stop(self, namespace: str, replica: Replica, *, grace: float | None = None) -> None:
        """SIGTERM, wait, SIGKILL; then the Pod object goes."""
        running = [s.process for s in replica.servers if s.process is not None]
        await asyncio.gather(*(process.stop(replica.grace if grace is None else grace) for process in running))
        for port in (port for server in replica.servers for port in server.held):
            port.close()
        if self._store.find(self._pods, namespace, replica.pod):
            self._store.delete(self._pods, namespace, replica.pod)

    def show(self, sdep: SeldonDeployment, replica: Replica) -> None:
        """Write what is known of a pod into its status."""
        pod = self._store.find(self._pods, sdep.namespace, replica.pod)
        if pod is None:
            return
        ready = "True" if replica.ready else "False"
        status: dict[str, Any] = {
            "phase": "Running" if any(s.process is not None for s in replica.servers) else "Pending",
            "podIP": "127.0.0.1",
            "hostIP": "127.0.0.1",
            "startTime": pod["metadata"]["creationTimestamp"],
            "conditions": [{"type": type_, "status": ready} for type_ in ("ContainersReady", "Ready")],
            "containerStatuses": [_container_status(server) for server in replica.servers],
        }
        self._store.update_status(self._pods, {**pod, "status": status})

    async def close(self) -> None:
        """Close the probe's connections."""
        for task in self._watching:
            task.cancel()
        if self._session:
            await self._session.close()

    def _note_end(self, replica: Replica, server: Server, code: int) -> None:
        if time.monotonic() - server.began > STEADY_SECONDS:
            server.restarts = 0
        server.exit_code = server.last_code = code
        server.ended, server.ready = now(), False
        server.waiting = "CrashLoopBackOff"
        server.not_before = time.monotonic() + BACKOFF_SECONDS[min(server.restarts, len(BACKOFF_SECONDS) - 1)]
        server.message = f"the server ended with exit code {code}; see oc logs {replica.pod} -c {server.name}"

    async def _check_life(self, namespace: str, replica: Replica, server: Server, probe: Any) -> None:
        """End a server that lives no more, as a kubelet does; it is restarted as after a crash."""
        if not probe or time.monotonic() < server.lively:
            return
        server.lively = time.monotonic() + _number(probe, "periodSeconds", 10)
        server.lifeless = 0 if await self.probe(server, probe) else server.lifeless + 1
        if server.lifeless >= _number(probe, "failureThreshold", 3) and server.process is not None:
            server.lifeless = 0
            pod = self._store.find(self._pods, namespace, replica.pod)
            if pod is not None:
                said = f"Container {server.name} failed liveness probe, will be restarted"
                self._events.emit({**_POD, **pod}, "Killing", said)
            await server.process.stop(2.0)

    def _tell_of_waiting(self, namespace: str, replica: Replica) -> None:
        """What a kubelet tells of a container that does not run, on its Pod."""
        pod = self._store.find(self._pods, namespace, replica.pod)
        for server in replica.servers:
            if server.waiting and pod is not None:
                reason = "Failed" if server.waiting == "CreateContainerConfigError" else "BackOff"
                self._events.emit({**_POD, **pod}, reason, server.message, warning=True)

    async def _tell(self, process: Process, namespace: str, name: str) -> None:
        await process.wait()
        self.ended(namespace, name)

    def _wait(self, server: Server, reason: str, message: str) -> None:
        server.process = None
        server.waiting, server.message = reason, message
        server.not_before = time.monotonic() + 2

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession()
        return self._session

    def _pod(self, sdep: SeldonDeployment, uid: str, predictor: Predictor, replica: Replica) -> Object:
        component = predictor.component_specs[replica.index]
        shown = []
        for spec, server in zip(containers(component), replica.servers, strict=True):
            # The lab's pods share the host's network, so each gets free ports instead of 9000 and 6000.
            ports = [
                {"name": "http", "containerPort": server.port, "protocol": "TCP"},
                {"name": "metrics", "containerPort": server.metrics_port, "protocol": "TCP"},
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


def _container_status(server: Server) -> dict[str, Any]:
    last: dict[str, Any] = {}
    if server.last_code is not None:
        reason = "Completed" if server.last_code == 0 else "Error"
        ended = {"exitCode": server.last_code, "reason": reason, "finishedAt": server.ended}
        last = {"lastState": {"terminated": ended}}
    state = (
        {"running": {"startedAt": server.started}}
        if server.running
        else {"waiting": {"reason": server.waiting or "ContainerCreating", "message": server.message}}
    )
    return {
        "name": server.name,
        "image": server.image,
        "imageID": server.image,
        "ready": server.ready,
        "started": server.running,
        "restartCount": server.restarts,
        "state": state,
        **last,
    }


def _number(probe: Any, key: str, otherwise: float) -> float:
    return float((probe or {}).get(key) or otherwise)
