"""Keeps a long-running container up: start, readiness, liveness, restart with back-off, stop.

The state of a container is what a kubelet shows of it. Timing differs from a kubelet's: the caller decides how often
to `sync`, and back-off is shorter.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from workshop.lab.kubelet import probes
from workshop.lab.listening.owner import listens
from workshop.lab.runtimes.base import ContainerSpec, Handle, PodError, Runtime
from workshop.lab.store import now
from workshop.manifests.kubernetes import Probe, TCPSocketAction

BACKOFF_SECONDS = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
"""Waits before each restart. A kubelet starts at ten seconds and ends at five minutes, too slow for a workshop."""
STEADY_SECONDS = 600.0
"""A container that ran this long starts again at the first wait, as with a kubelet."""
RETRY_SECONDS = 2.0
"""Wait before a container that could not be started is tried again."""
LIVENESS_GRACE_SECONDS = 2.0
PERIOD_SECONDS = 10
FAILURE_THRESHOLD = 3

MakeSpec = Callable[[], ContainerSpec]
"""The spec for the next start. Raises PodError when an image, a ConfigMap or a Secret is missing."""
Emit = Callable[[str, str, bool], None]
"""Records an event on the Pod: reason, message, whether it is a warning."""
Exited = Callable[[], None]
"""Called once, when a started container ends."""


@dataclass
class Container:
    """One long-running container. `pod` names its Pod in messages; times without a unit are monotonic seconds."""

    name: str
    image: str
    pod: str
    readiness: Probe | None = None
    """Without one, the container is ready when `ports(SERVED)` accepts a connection."""
    liveness: Probe | None = None
    ports: probes.Ports = int
    handle: Handle | None = None
    ready: bool = False
    restarts: int = 0
    waiting: str = ""
    """The reason why it does not run, or nothing."""
    message: str = ""
    exit_code: int | None = None
    """Of the last run; None while one runs."""
    last_code: int | None = None
    started_at: str = ""
    finished_at: str = ""
    began: float = 0.0
    not_before: float = 0.0
    next_liveness_at: float = 0.0
    liveness_failures: int = 0

    @property
    def running(self) -> bool:
        return self.handle is not None and self.exit_code is None and not self.waiting


class Containers:
    """Starts, probes and restarts the containers of Pods on a runtime."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._watching: set[asyncio.Task[None]] = set()

    async def start(self, container: Container, make: MakeSpec, exited: Exited) -> None:
        """Start a container; called again for each restart. One that cannot start waits and is tried again."""
        container.waiting = container.message = ""
        container.ready = False
        try:
            container.handle = await self._runtime.start(make())
        except PodError as e:
            container.handle = None
            container.waiting, container.message = e.reason, e.message
            container.not_before = time.monotonic() + RETRY_SECONDS
            return
        container.exit_code = None
        container.began, container.started_at = time.monotonic(), now()
        delay = (container.liveness.initial_delay_seconds or 0) if container.liveness else 0
        container.liveness_failures, container.next_liveness_at = 0, container.began + delay
        task = asyncio.get_running_loop().create_task(_watch(container.handle, exited))
        self._watching.add(task)
        task.add_done_callback(self._watching.discard)

    async def sync(self, container: Container, make: MakeSpec, exited: Exited, emit: Emit) -> bool:
        """Restart a container that ended and probe one that runs; whether its state changed."""
        before = _state(container)
        handle = container.handle
        if handle is not None and handle.code is not None and container.exit_code is None:
            _note_end(container, handle.code)
        if container.waiting:
            if time.monotonic() >= container.not_before:
                container.restarts += 1 if container.exit_code is not None else 0
                await self.start(container, make, exited)
        elif container.running:
            container.ready = await self._is_ready(container, emit)
            await self._check_liveness(container, emit)
        return _state(container) != before

    async def stop(self, containers: list[Container], grace_seconds: float) -> None:
        """Stop containers together: SIGTERM, after the grace SIGKILL."""
        handles = [container.handle for container in containers if container.handle is not None]
        await asyncio.gather(*(handle.stop(grace_seconds) for handle in handles))

    def close(self) -> None:
        """Stop watching for the end of containers."""
        for task in self._watching:
            task.cancel()

    async def _is_ready(self, container: Container, emit: Emit) -> bool:
        """Whether the readiness probe succeeds and it is the container itself that listens on its port.

        A Pod of the lab has no address of its own, so a program of another user may listen where the container should.
        """
        if not await probes.succeeds(container.readiness or _TCP, ports=container.ports):
            return False
        port = container.ports(SERVED)
        if container.ready or (container.handle and await asyncio.to_thread(listens, container.handle.pid, port)):
            return True
        emit("Unhealthy", f"Readiness probe failed: another program listens on port {port}", True)
        return False

    async def _check_liveness(self, container: Container, emit: Emit) -> None:
        """Stop a container whose liveness probe failed too often; it is restarted as after a crash."""
        probe = container.liveness
        if probe is None or time.monotonic() < container.next_liveness_at:
            return
        container.next_liveness_at = time.monotonic() + (probe.period_seconds or PERIOD_SECONDS)
        alive = await probes.succeeds(probe, ports=container.ports)
        container.liveness_failures = 0 if alive else container.liveness_failures + 1
        if container.liveness_failures >= (probe.failure_threshold or FAILURE_THRESHOLD) and container.handle:
            container.liveness_failures = 0
            emit("Killing", f"Container {container.name} failed liveness probe, will be restarted", False)
            await container.handle.stop(LIVENESS_GRACE_SECONDS)


SERVED = ""
"""The name for `Container.ports` of the port that receives requests."""
_TCP = Probe(tcp_socket=TCPSocketAction(port=SERVED))


def _note_end(container: Container, code: int) -> None:
    if time.monotonic() - container.began > STEADY_SECONDS:
        container.restarts = 0
    container.exit_code = container.last_code = code
    container.finished_at, container.ready = now(), False
    container.waiting = "CrashLoopBackOff"
    wait = BACKOFF_SECONDS[min(container.restarts, len(BACKOFF_SECONDS) - 1)]
    container.not_before = time.monotonic() + wait
    container.message = f"the server ended with exit code {code}; see oc logs {container.pod} -c {container.name}"


def _state(container: Container) -> tuple[bool, str, int, int | None]:
    return container.ready, container.waiting, container.restarts, container.exit_code


async def _watch(handle: Handle, exited: Exited) -> None:
    await handle.wait()
    exited()
