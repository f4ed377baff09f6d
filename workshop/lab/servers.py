"""The HTTP servers in the lab's process: API, console, Git and events in its event loop, the gateway in a thread."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import uvicorn

from workshop.errors import SetupError
from workshop.lab import git, ports
from workshop.lab.api.app import build as build_api
from workshop.lab.api.auth import Certificate
from workshop.lab.api.builds import is_upload
from workshop.lab.controllers import pipelinesascode, triggers
from workshop.lab.gateway import serve as serve_gateway
from workshop.lab.git.server import is_push
from workshop.lab.lab import Lab
from workshop.lab.listening.hosts import LoopbackHosts
from workshop.lab.listening.server import server
from workshop.lab.pages.routes import pages_of
from workshop.lab.pages.terminal.routes import WEBSOCKETS
from workshop.lab.pages.terminal.shells import participant_shells
from workshop.lab.sessions import Sessions

GRACE_SECONDS = 4.0
"""Seconds in which the servers must end."""


async def _nothing() -> None:
    pass


@dataclass(frozen=True)
class Application:
    """The application of one port. `run` is work that continues until it is cancelled; `stop` ends the application."""

    server: uvicorn.Server
    run: Callable[[], Awaitable[None]] = _nothing
    stop: Callable[[], Awaitable[None]] = _nothing


def _api(lab: Lab, trusted: Certificate) -> Application:
    tls = (trusted.cert, trusted.key)
    return Application(server(LoopbackHosts(build_api(lab)), tls=tls, buffers=lambda scope: not is_upload(scope)))


def _console(lab: Lab, _: Certificate) -> Application:
    shells = {view.participant.name: participant_shells(view.paths, lab.launcher) for view in lab.views}
    gated = pages_of(lab, shells, Sessions(lab.paths.run / "sessions.json"))

    async def stop() -> None:
        await asyncio.gather(*(own.close() for own in shells.values()))

    return Application(server(gated, websockets=True, **WEBSOCKETS), stop=stop)


def _events(lab: Lab, _: Certificate) -> Application:
    sink = triggers.sink(lab)
    return Application(server(LoopbackHosts(sink)), stop=sink.close)


def _git(lab: Lab, _: Certificate) -> Application:
    receiver = pipelinesascode.receiver(lab)
    made = git.server(lab, receiver.deliver, receiver.incoming)
    return Application(server(LoopbackHosts(made.app), buffers=lambda scope: not is_push(scope)), made.run, made.stop)


APPLICATIONS: dict[str, Callable[[Lab, Certificate], Application]] = {
    "api": _api,
    "console": _console,
    "events": _events,
    "git": _git,
}
"""The applications by the names in `ports.SERVERS`, except the gateway."""


class Servers:
    """All servers of a lab."""

    def __init__(self, lab: Lab, certificate: Certificate) -> None:
        """Listen on every port. Raises SetupError when a port is in use."""
        self._applications = {name: make(lab, certificate) for name, make in APPLICATIONS.items()}
        self._sockets = {name: listen(name, lab.ports[name]) for name in self._applications}
        self._gateway = serve_gateway(lab.routes, listen("gateway", lab.ports["gateway"]))
        self._tasks: list[asyncio.Task[None]] = []
        self._work: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Start to answer requests."""
        self._tasks = [
            asyncio.create_task(one.server.serve(sockets=[self._sockets[name]]))
            for name, one in self._applications.items()
        ]
        self._work = [asyncio.ensure_future(one.run()) for one in self._applications.values()]

    @property
    def started(self) -> bool:
        """Whether all servers answer."""
        return all(one.started for one in self._all())

    def end(self) -> None:
        """Stop accepting requests."""
        for one in self._all():
            one.should_exit = True

    async def stop(self) -> None:
        """Stop the servers and their work."""
        self.end()
        if self._tasks:
            # A cancelled server logs an error, so let each end by itself within its grace period.
            await asyncio.wait(self._tasks, timeout=GRACE_SECONDS)
        for task in (*self._tasks, *self._work):
            task.cancel()
        await asyncio.gather(*self._tasks, *self._work, return_exceptions=True)
        await asyncio.gather(*(one.stop() for one in self._applications.values()), return_exceptions=True)

    def _all(self) -> list[uvicorn.Server]:
        return [self._gateway, *(one.server for one in self._applications.values())]


def listen(name: str, port: int) -> socket.socket:
    """A socket bound to a port of 127.0.0.1. Raises SetupError when the port is in use."""
    try:
        return ports.listen(port)
    except OSError as e:
        raise SetupError(
            f"cannot listen on 127.0.0.1:{port} for {name}: {e.strerror}",
            hint="run the command again: the lab takes another port",
        ) from e
