"""Long-running containers on the process runtime: restarts, back-off, liveness, errors at the start."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from workshop.lab.kubelet import containers
from workshop.lab.kubelet.containers import Container, Containers
from workshop.lab.paths import LabPaths
from workshop.lab.ports import reserve
from workshop.lab.runtimes.base import ContainerSpec, PodError
from workshop.lab.runtimes.process.images import ImageTable, NoImages
from workshop.lab.runtimes.process.launcher import Launcher
from workshop.lab.runtimes.process.runtime import ProcessRuntime
from workshop.manifests.kubernetes import HTTPGetAction, Probe, TCPSocketAction

LISTEN = """exec python3 -c '
import pathlib, socket, time
with socket.create_server(("127.0.0.1", {port})):
    while not pathlib.Path("{stop}").exists():
        time.sleep(0.01)
time.sleep(60)
'"""


@dataclass
class Kubelet:
    runtime: ProcessRuntime
    folder: Path
    containers: Containers
    events: list[tuple[str, str, bool]] = field(default_factory=list)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    def spec(self, script: str) -> ContainerSpec:
        image = ImageTable(NoImages(), Path(sys.executable).parent).find("bash")
        command = ("bash", "-c", script)
        return ContainerSpec("server", image, self.folder, self.folder / "log", command=command)

    def emit(self, reason: str, message: str, warning: bool) -> None:
        self.events.append((reason, message, warning))

    async def start(self, container: Container, script: str) -> None:
        self.ended.clear()
        await self.containers.start(container, lambda: self.spec(script), self.ended.set)

    async def sync(self, container: Container, script: str) -> bool:
        return await self.containers.sync(container, lambda: self.spec(script), self.ended.set, self.emit)


@asynccontextmanager
async def kubelet(folder: Path) -> AsyncIterator[Kubelet]:
    paths = LabPaths(folder / "state")
    paths.make()
    launcher = Launcher(paths.run)
    await launcher.open()
    runtime = ProcessRuntime(paths, launcher, ImageTable(NoImages(), Path(sys.executable).parent))
    made = Kubelet(runtime, folder, Containers(runtime))
    try:
        yield made
    finally:
        made.containers.close()
        await launcher.close()


def test_a_container_that_ends_waits_longer_before_each_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(containers, "BACKOFF_SECONDS", (0.0, 0.0, 3600.0))

    async def scenario() -> None:
        async with kubelet(tmp_path) as it:
            container = Container("server", "bash", "pod")
            await it.start(container, "exit 3")
            for restarts in (1, 2):
                await it.ended.wait()
                it.ended.clear()
                assert await it.sync(container, "exit 3")
                assert (container.restarts, container.last_code) == (restarts, 3)
            await it.ended.wait()
            await it.sync(container, "exit 3")
            assert container.waiting == "CrashLoopBackOff"
            assert container.message == "the server ended with exit code 3; see oc logs pod -c server"
            await it.sync(container, "exit 3")
            assert container.restarts == 2, "it was restarted before its back-off was over"

    asyncio.run(scenario())


def test_a_container_that_ran_long_starts_again_at_the_first_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(containers, "STEADY_SECONDS", 0.0)
    monkeypatch.setattr(containers, "BACKOFF_SECONDS", (0.0, 3600.0))

    async def scenario() -> None:
        async with kubelet(tmp_path) as it:
            container = Container("server", "bash", "pod", restarts=7)
            await it.start(container, "exit 0")
            await it.ended.wait()
            await it.sync(container, "sleep 60")
            assert container.running
            assert container.restarts == 1

    asyncio.run(scenario())


def test_a_container_whose_liveness_probe_fails_is_restarted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(containers, "BACKOFF_SECONDS", (0.0,))
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        closed = unused.getsockname()[1]

        async def scenario() -> None:
            async with kubelet(tmp_path) as it:
                probe = Probe(http_get=HTTPGetAction(port=closed), failure_threshold=1)
                container = Container("server", "bash", "pod", liveness=probe)
                await it.start(container, "sleep 60")
                first = container.handle
                await it.sync(container, "sleep 60")
                assert it.events == [("Killing", "Container server failed liveness probe, will be restarted", False)]
                await it.ended.wait()
                await it.sync(container, "sleep 60")
                assert container.handle is not first
                assert container.restarts == 1

        asyncio.run(scenario())


def test_readiness_follows_the_probe(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with kubelet(tmp_path) as it:
            with reserve() as reserved:
                probe = Probe(tcp_socket=TCPSocketAction(port="http"))
                port = reserved.number
                container = Container("server", "bash", "pod", readiness=probe, ports=lambda name: port)
                await it.start(container, LISTEN.format(port=port, stop=tmp_path / "stop"))
                async with asyncio.timeout(20):
                    while not container.ready:
                        await it.sync(container, "")
                (tmp_path / "stop").touch()
                async with asyncio.timeout(20):
                    while container.ready:
                        assert container.running
                        await it.sync(container, "")
                assert not it.events

    asyncio.run(scenario())


def test_a_container_is_not_ready_when_another_program_answers_on_its_port(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with kubelet(tmp_path) as it:
            server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
            port = server.sockets[0].getsockname()[1]
            container = Container("server", "bash", "pod", ports=lambda name: port)
            await it.start(container, "sleep 60")
            await it.sync(container, "")
            assert not container.ready
            message = f"Readiness probe failed: another program listens on port {port}"
            assert it.events == [("Unhealthy", message, True)]
            server.close()

    asyncio.run(scenario())


def test_a_container_that_cannot_start_waits_with_the_reason(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with kubelet(tmp_path) as it:
            container = Container("server", "bash", "pod")

            def missing() -> ContainerSpec:
                raise PodError("CreateContainerConfigError", 'secret "s" not found')

            await it.containers.start(container, missing, it.ended.set)
            assert (container.waiting, container.message) == ("CreateContainerConfigError", 'secret "s" not found')
            assert not container.running

            def unknown_program() -> ContainerSpec:
                image = ImageTable(NoImages(), Path(sys.executable).parent).find("bash")
                return ContainerSpec("server", image, it.folder, it.folder / "log", command=("no-such-program",))

            await it.containers.start(container, unknown_program, it.ended.set)
            assert container.waiting == "RunContainerError"
            assert "no-such-program" in container.message

    asyncio.run(scenario())
