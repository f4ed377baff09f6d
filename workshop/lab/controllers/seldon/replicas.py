"""One model server: started from an image, probed, restarted with back-off, stopped gracefully, shown as a Pod."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import socket
import time
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from workshop.lab.controllers.seldon.names import container, deployment_name, labels
from workshop.lab.controllers.seldon.status import owner
from workshop.lab.engines.launcher import Launcher, Process, Spec
from workshop.lab.images.run import run_environment
from workshop.lab.images.store import ImageStore
from workshop.lab.kinds import KINDS, Object
from workshop.lab.state import State
from workshop.lab.store import Store, now
from workshop.manifests.seldon import Predictor, SeldonDeployment

GRACE_SECONDS = 20.0
"""The operator's terminationGracePeriodSeconds."""
BACKOFF_SECONDS = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
"""Waits before each restart; a kubelet starts at ten seconds and ends at five minutes, too slow for a room."""
PROBE_TIMEOUT = 1.0


@dataclass
class Replica:
    """One pod of a predictor."""

    predictor: str
    hash: str
    pod: str
    image: str
    port: int
    metrics_port: int
    process: Process | None = None
    ready: bool = False
    restarts: int = 0
    waiting: str = ""
    message: str = ""
    exit_code: int | None = None
    not_before: float = 0.0
    started: str = field(default_factory=now)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


class Replicas:
    """Starts and stops the pods of all deployments; keeps no decision about how many there should be."""

    def __init__(self, store: Store, state: State, launcher: Launcher, images: ImageStore) -> None:
        self._store, self._state, self._launcher, self._images = store, state, launcher, images
        self._pods = KINDS.named("Pod")
        self._session: aiohttp.ClientSession | None = None

    async def start(self, sdep: SeldonDeployment, uid: str, predictor: Predictor, hash_: str) -> Replica:
        """Make a pod and start its server; a replica whose image is not there waits and says so."""
        spec = container(predictor)
        port, metrics_port = free_ports(2)
        suffix = os.urandom(3).hex()[:5]
        replica = Replica(
            predictor=predictor.name,
            hash=hash_,
            image=str(spec.get("image", "")),
            pod=f"{deployment_name(sdep, predictor)}-{hash_}-{suffix}",
            port=port,
            metrics_port=metrics_port,
        )
        self._store.create(self._pods, self._pod(sdep, uid, predictor, replica))
        await self.run(sdep, predictor, replica)
        return replica

    async def run(self, sdep: SeldonDeployment, predictor: Predictor, replica: Replica) -> None:
        """Start the server of a replica; called again after a crash."""
        image = self._images.resolve(replica.image)
        if image is None:
            replica.waiting, replica.message = (
                "ImagePullBackOff",
                (f'Back-off pulling image "{replica.image}": the lab has no such image; build it with a pipeline run'),
            )
            replica.not_before = time.monotonic() + 2
            return
        spec = container(predictor)
        argv, env = run_environment(image, replica.port, replica.metrics_port)
        if spec.get("command"):
            argv = [str(a) for a in [*_list(spec["command"]), *_list(spec.get("args"))]]
        env |= self._seldon_env(sdep, predictor, replica) | self._own_env(sdep.namespace, spec)
        log = self._state.container_log(sdep.namespace, replica.pod, predictor.graph.name)
        log.parent.mkdir(parents=True, exist_ok=True)
        replica.waiting = replica.message = ""
        replica.exit_code = None
        replica.process = await self._launcher.start(Spec(argv=argv, env=env, cwd=str(image.app_root / "src"), log=log))
        replica.started = now()

    async def probe(self, predictor: Predictor, replica: Replica) -> bool:
        """Whether a replica is ready: by its readinessProbe's httpGet, else by TCP as the operator does."""
        http = (_dict(container(predictor).get("readinessProbe"))).get("httpGet")
        try:
            if not http:
                _, writer = await asyncio.wait_for(asyncio.open_connection("127.0.0.1", replica.port), PROBE_TIMEOUT)
                writer.close()
                return True
            async with self._client().get(
                replica.url + str(http.get("path", "/")), timeout=aiohttp.ClientTimeout(total=PROBE_TIMEOUT)
            ) as answer:
                return answer.status < 400
        except (OSError, TimeoutError, aiohttp.ClientError):
            return False

    async def stop(self, namespace: str, replica: Replica, *, grace: float = GRACE_SECONDS) -> None:
        """SIGTERM, wait, SIGKILL; then the Pod object goes."""
        if replica.process is not None:
            await replica.process.stop(grace)
        if self._store.find(self._pods, namespace, replica.pod):
            self._store.delete(self._pods, namespace, replica.pod)

    def show(self, sdep: SeldonDeployment, predictor: Predictor, replica: Replica) -> None:
        """Write what is known of a replica into its Pod's status."""
        pod = self._store.find(self._pods, sdep.namespace, replica.pod)
        if pod is None:
            return
        running = replica.process is not None and replica.exit_code is None
        state: dict[str, Any]
        if running:
            state = {"running": {"startedAt": replica.started}}
        else:
            state = {"waiting": {"reason": replica.waiting or "CrashLoopBackOff", "message": replica.message}}
        conditions = [
            {"type": type_, "status": "True" if replica.ready else "False"} for type_ in ("ContainersReady", "Ready")
        ]
        status: dict[str, Any] = {
            "phase": "Running" if running else "Pending" if replica.waiting == "ImagePullBackOff" else "Running",
            "podIP": "127.0.0.1",
            "hostIP": "127.0.0.1",
            "startTime": pod["metadata"]["creationTimestamp"],
            "conditions": conditions,
            "containerStatuses": [
                {
                    "name": predictor.graph.name,
                    "image": replica.image,
                    "imageID": replica.image,
                    "ready": replica.ready,
                    "started": running,
                    "restartCount": replica.restarts,
                    "state": state,
                }
            ],
        }
        self._store.update_status(self._pods, {**pod, "status": status})

    async def close(self) -> None:
        """Close the probe's connections."""
        if self._session:
            await self._session.close()

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession()
        return self._session

    def _pod(self, sdep: SeldonDeployment, uid: str, predictor: Predictor, replica: Replica) -> Object:
        spec = container(predictor)
        ports = [
            {"name": "http", "containerPort": replica.port, "protocol": "TCP"},
            {"name": "metrics", "containerPort": replica.metrics_port, "protocol": "TCP"},
        ]
        return {
            "metadata": {
                "name": replica.pod,
                "namespace": sdep.namespace,
                "labels": {**labels(sdep, predictor), "pod-template-hash": replica.hash},
                "annotations": {
                    "prometheus.io/scrape": "true",
                    "prometheus.io/path": "/prometheus",
                    **predictor.annotations,
                },
                "ownerReferences": [owner(sdep, uid)],
            },
            # The lab's pods share the host's network, so each gets free ports instead of 9000 and 6000.
            "spec": {
                "containers": [{**spec, "ports": ports}],
                "hostNetwork": True,
                "nodeName": "lab",
                "terminationGracePeriodSeconds": int(GRACE_SECONDS),
            },
            "status": {"phase": "Pending"},
        }

    def _seldon_env(self, sdep: SeldonDeployment, predictor: Predictor, replica: Replica) -> dict[str, str]:
        unit = predictor.graph
        return {
            "PREDICTIVE_UNIT_ID": unit.name,
            "PREDICTIVE_UNIT_IMAGE": replica.image,
            "PREDICTIVE_UNIT_HTTP_SERVICE_PORT": str(replica.port),
            "PREDICTIVE_UNIT_METRICS_SERVICE_PORT": str(replica.metrics_port),
            "PREDICTIVE_UNIT_METRICS_ENDPOINT": "/prometheus",
            "PREDICTIVE_UNIT_PARAMETERS": json.dumps(
                [{"name": p.name, "value": p.value, "type": p.type} for p in unit.parameters]
            ),
            "PREDICTOR_ID": predictor.name,
            "PREDICTOR_LABELS": json.dumps({"version": predictor.name, **predictor.labels}),
            "SELDON_DEPLOYMENT_ID": sdep.name,
            "SELDON_EXECUTOR_ENABLED": "false",
            "MODEL_SERVER_HOST": "127.0.0.1",
        }

    def _own_env(self, namespace: str, spec: dict[str, object]) -> dict[str, str]:
        """The container's env and envFrom. Raises NotFound for a ConfigMap or Secret that is not there."""
        env: dict[str, str] = {}
        for source in _list(spec.get("envFrom")):
            for kind, key in (("ConfigMap", "configMapRef"), ("Secret", "secretRef")):
                if key in source:
                    env |= self._values(kind, namespace, source[key]["name"])
        for item in _list(spec.get("env")):
            reference = item.get("valueFrom") or {}
            if "configMapKeyRef" in reference:
                where = reference["configMapKeyRef"]
                env[item["name"]] = self._values("ConfigMap", namespace, where["name"])[where["key"]]
            elif "secretKeyRef" in reference:
                where = reference["secretKeyRef"]
                env[item["name"]] = self._values("Secret", namespace, where["name"])[where["key"]]
            else:
                env[item["name"]] = str(item.get("value", ""))
        return env

    def _values(self, kind: str, namespace: str, name: str) -> dict[str, str]:
        obj = self._store.get(KINDS.named(kind), namespace, name)
        if kind == "Secret":
            encoded = {k: base64.b64decode(v).decode() for k, v in (obj.get("data") or {}).items()}
            return encoded | (obj.get("stringData") or {})
        return dict(obj.get("data") or {})


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 that nothing listens on now, all different."""
    held = [socket.socket() for _ in range(count)]
    try:
        for sock in held:
            sock.bind(("127.0.0.1", 0))
        return [sock.getsockname()[1] for sock in held]
    finally:
        for sock in held:
            sock.close()


def _list(value: object) -> list[Any]:
    return list(value) if isinstance(value, list) else []


def _dict(value: object) -> dict[str, Any]:
    return dict(value) if isinstance(value, dict) else {}
