"""The lab in one process: creates the Lab, runs its servers, controllers and components, and stops them.

`python -m workshop.lab.supervisor` runs until SIGTERM. `workshop up` starts it and reads its progress from the report
file. All children belong to the launcher, which ends them when this process ends for any reason.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sqlite3
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack

from workshop.errors import SetupError, WorkshopError, disk_error
from workshop.lab import clients, participant, ports, process_environment, seed
from workshop.lab.api.auth import certificate
from workshop.lab.api.auth import token as token_of
from workshop.lab.build import build_lab
from workshop.lab.components import COMPONENTS
from workshop.lab.controllers import CONTROLLERS
from workshop.lab.controllers.loop import Controller
from workshop.lab.endpoints import endpoints
from workshop.lab.identity.users import ADMINISTRATOR
from workshop.lab.lab import Lab
from workshop.lab.listening.limits import raise_open_files
from workshop.lab.logs import rotate_logs
from workshop.lab.parts import Components, Part, Runner
from workshop.lab.paths import LabPaths, lab_paths
from workshop.lab.report import Lock, Report, write
from workshop.lab.servers import Servers
from workshop.lab.store import Store
from workshop.participants.objects import participant_objects

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
            ),
        )

    async def _start(self, stack: AsyncExitStack, stop: asyncio.Event) -> None:
        paths = self.paths
        paths.check_free_space()
        reserved = ports.choose(paths.run / "ports.json", ports.preferred(self._components))
        for port in reserved.values():
            stack.callback(port.close)
        store = Store(paths.store)
        stack.callback(store.close)
        store.load()
        numbers = {name: port.number for name, port in reserved.items()}
        lab = self._lab = build_lab(paths, store, token_of(paths.token), numbers, self._components)
        self.report()
        trusted = certificate(paths.tls)
        server = f"https://127.0.0.1:{lab.ports['api']}"
        clients.point_clients(paths, server, trusted, lab.token, lab.participant)
        clients.point_administrator(paths, server, trusted, lab.identities.users.token(ADMINISTRATOR))
        clients.write_tools(paths)
        objects = asyncio.create_task(asyncio.to_thread(participant_objects, lab.kit, lab.participant))
        await lab.launcher.open()
        _on_stop(stack, lab.launcher.close)
        participant.prepare(lab, process_environment.base(paths))
        servers = Servers(lab, trusted)
        runners = [runner for spec in lab.components.values() if (runner := spec.make(lab))]
        seed.seed(lab, await objects)
        self._controllers = [make(lab) for make in CONTROLLERS.values()]
        lab.watchers.append(self.report)
        servers.start()
        _on_stop(stack, servers.stop)
        work: list[Controller | Runner] = [*self._controllers, *runners]
        tasks = [asyncio.ensure_future(one) for one in (*(each.run() for each in work), rotate_logs(paths))]
        _on_stop(stack, lambda: _cancel(tasks))
        _on_stop(stack, lambda: _stop_together(servers, runners))
        self.report()
        await self._until_ready(servers, stop)

    async def _until_ready(self, servers: Servers, stop: asyncio.Event) -> None:
        """Wait until every part is ready, missing or has failed, and existing deployments answer again."""
        assert self._lab is not None
        while not stop.is_set():
            parts = all(part.settled for part in self._lab.parts.values())
            if parts and servers.started and all(one.settled() for one in self._controllers):
                self.phase = "ready"
                self.report()
                log.info("ready after %.1f s", time.time() - self.started)
                return
            await asyncio.sleep(POLL_SECONDS)


def _parts(lab: Lab | None) -> list[Part]:
    """The launcher, the components and the model servers."""
    if lab is None:
        return []
    launcher = [Part("launcher", "ready", pid=lab.launcher.pid)] if lab.launcher.pid is not None else []
    models = [
        Part(f"{lab.participant.stage(server.namespace)}-model", "ready", server.url, server.pid)
        for server in lab.model_servers
    ]
    return [*launcher, *lab.parts.values(), *models]


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


def _wanted() -> Components:
    """The components. WORKSHOP_PROGRAMS=none leaves out the programs, for tests that need none."""
    without = os.environ.get("WORKSHOP_PROGRAMS") == "none"
    return {name: spec for name, spec in COMPONENTS.items() if spec.port is None or not without}


def _as_workshop_error(error: Exception, where: LabPaths) -> WorkshopError:
    """An error that ended the lab, as a WorkshopError with a hint."""
    if isinstance(error, WorkshopError):
        return error
    if isinstance(error, OSError):
        return disk_error(error) or WorkshopError(f"{type(error).__name__}: {error}", hint="see: workshop logs")
    return SetupError(
        f"the lab's store {where.store} cannot be used: {error}",
        hint="df -h shows whether the disk is full; else restore the file from a copy, or start again: workshop reset",
    )


def main() -> int:
    """Run the lab; the exit code is that of `workshop.errors`."""
    os.umask(0o077)
    raise_open_files()
    paths = lab_paths()
    paths.make()
    lock = Lock(paths)
    if not lock.take():
        sys.stderr.write(f"another lab runs on {paths.root}; workshop status shows it\n")
        return SetupError.exit_code
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    supervisor = Supervisor(paths, _wanted())
    try:
        import uvloop

        uvloop.run(supervisor.run())
    except (WorkshopError, OSError, sqlite3.DatabaseError) as e:
        fault = _as_workshop_error(e, paths)
        log.error("%s", fault, exc_info=fault is not e)
        supervisor.phase, supervisor.message = "failed", str(fault)
        # A full disk may prevent the report too; the exit code and the log remain.
        with contextlib.suppress(OSError):
            supervisor.report(exit_code=fault.exit_code)
        return fault.exit_code
    except Exception as e:
        log.exception("the lab stops")
        supervisor.phase, supervisor.message = "failed", f"{type(e).__name__}: {e}"
        supervisor.report(exit_code=1)
        return 1
    supervisor.phase = "stopped"
    supervisor.report()
    return 0


if __name__ == "__main__":
    sys.exit(main())
