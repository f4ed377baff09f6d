"""The lab in one process: creates the Lab, runs its servers, controllers and components, and stops them.

`workshop up` reads its progress from the report file. All children belong to the launcher, which ends them when this
process ends for any reason.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial

from workshop.lab import clients, participant, ports, process_environment, room, seed
from workshop.lab.api.auth import certificate
from workshop.lab.api.auth import token as token_of
from workshop.lab.build import build_lab
from workshop.lab.controllers.loop import Controller
from workshop.lab.controllers.table import CONTROLLERS
from workshop.lab.endpoints import endpoints
from workshop.lab.identity.users import ADMINISTRATOR
from workshop.lab.lab import Lab
from workshop.lab.logs import rotate_logs
from workshop.lab.parts import Components, Part, Runner, personal_name
from workshop.lab.paths import LabPaths
from workshop.lab.report import Report, write
from workshop.lab.restarts import keep_running
from workshop.lab.servers import Servers
from workshop.lab.store import Store
from workshop.participants.objects import WITH_MERGE_REQUESTS, Template

STOP_SECONDS = 15.0
"""Seconds that one part may take to stop."""
POLL_SECONDS = 0.05

log = logging.getLogger("workshop.lab")


class Supervisor:
    """Runs one lab."""

    def __init__(self, paths: LabPaths, components: Components) -> None:
        self.paths = paths
        self.started = time.time()
        self.phase = "starting"
        self.message = ""
        self._components = components
        self._lab: Lab | None = None
        self._controllers: list[Controller] = []

    async def run(self) -> None:
        """Start, serve until SIGTERM or SIGINT, stop. Raises SetupError."""
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        async with AsyncExitStack() as stack:
            try:
                await self._start(stack, stop)
                await stop.wait()
            finally:
                self.phase = "stopping"
                self.report()

    def report(self, *, exit_code: int = 0) -> None:
        """Write the report file."""
        lab = self._lab
        write(
            self.paths,
            Report(
                phase=self.phase,
                pid=os.getpid(),
                started=self.started,
                message=self.message,
                exit_code=exit_code,
                endpoints=endpoints(lab) if lab else {},
                components=[Part("lab", self.phase, lab.url("console") if lab else None, os.getpid()), *_parts(lab)],
                participants={view.participant.name: endpoints(view) for view in lab.views} if lab else {},
            ),
        )

    async def _start(self, stack: AsyncExitStack, stop: asyncio.Event) -> None:
        paths = self.paths
        paths.check_free_space()
        people = room.choose(paths)
        wanted = ports.preferred(self._components) | ports.personal(self._components, people.participants[1:])
        reserved = ports.choose(paths.run / "ports.json", wanted)
        for port in reserved.values():
            stack.callback(port.close)
        store = Store(paths.store)
        stack.callback(store.close)
        store.load()
        numbers = {name: port.number for name, port in reserved.items()}
        token = token_of(paths.token)
        lab = self._lab = build_lab(paths, store, token, numbers, self._components, people)
        self.report()
        trusted = certificate(paths.tls)
        server = str(lab.url("api"))
        users = lab.identities.users
        users.save()
        for view in lab.views:
            name = view.participant.name
            clients.point_clients(view.paths, server, trusted, users.token(name), view.participant)
        clients.point_administrator(paths, server, trusted, users.token(ADMINISTRATOR))
        clients.write_tools(paths)
        template = asyncio.create_task(asyncio.to_thread(Template.build, lab.kit / WITH_MERGE_REQUESTS))
        await lab.launcher.open()
        _on_stop(stack, lab.launcher.close)
        await lab.runtime.open()
        _on_stop(stack, lab.runtime.close)
        for view in lab.views:
            participant.prepare(view, process_environment.base(view.paths))
        servers = Servers(lab, trusted)
        runners = [
            runner
            for view in lab.views
            for spec in lab.components.values()
            if (view is lab or spec.personal) and (runner := spec.make(view))
        ]
        objects = await template
        seed.seed_cluster(store)
        for view in lab.views:
            seed.seed_participant(view, objects.objects_of(view.participant))
        self._controllers = [make(lab) for make in CONTROLLERS.values()]
        lab.watchers.append(self.report)
        servers.start()
        _on_stop(stack, servers.stop)
        work: list[Controller | Runner] = [*self._controllers, *runners]
        tasks = [asyncio.ensure_future(keep_running(each.run, _name(each))) for each in work]
        tasks.append(asyncio.ensure_future(keep_running(partial(rotate_logs, paths), "the rotation of logs")))
        _on_stop(stack, lambda: _cancel(tasks))
        _on_stop(stack, lambda: _stop_together(servers, runners))
        self.report()
        await self._until_ready(servers, stop)

    async def _until_ready(self, servers: Servers, stop: asyncio.Event) -> None:
        """Wait until every part is ready, missing or has failed, and existing deployments answer again."""
        assert self._lab is not None
        while not stop.is_set():
            parts = all(part.settled for view in self._lab.views for part in view.parts.values())
            if parts and servers.started and all(one.settled() for one in self._controllers):
                self.phase = "ready"
                self.report()
                log.info("ready after %.1f s", time.time() - self.started)
                return
            await asyncio.sleep(POLL_SECONDS)


def _name(work: Controller | Runner) -> str:
    """The name of a part in the log."""
    return str(getattr(work, "name", type(work).__name__))


def _parts(lab: Lab | None) -> list[Part]:
    """The launcher, the components and the model servers."""
    if lab is None:
        return []
    launcher = [Part("launcher", "ready", pid=lab.launcher.pid)] if lab.launcher.pid is not None else []
    models = [
        Part(f"{lab.participant.stage(server.namespace)}-model", "ready", server.url, server.pid)
        for server in lab.model_servers
    ]
    personal = [
        replace(part, name=personal_name(name, view.participant))
        for view in lab.views[1:]
        for name, part in view.parts.items()
        if lab.components[name].personal
    ]
    return [*launcher, *lab.parts.values(), *personal, *models]


def _on_stop(stack: AsyncExitStack, close: Callable[[], Awaitable[None]]) -> None:
    """Call `close` when the lab stops. A failure or a timeout is logged, and the next part is stopped."""

    async def bounded() -> None:
        try:
            await asyncio.wait_for(close(), STOP_SECONDS)
        except Exception:
            log.exception("while stopping")

    stack.push_async_callback(bounded)


async def _stop_together(servers: Servers, runners: list[Runner]) -> None:
    """Stop accepting requests, and stop the components at the same time."""
    servers.end()
    await asyncio.gather(*(runner.stop() for runner in runners), return_exceptions=True)


async def _cancel(tasks: Sequence[asyncio.Future[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
