"""The parts of a lab that a run needs, in a folder of their own."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from workshop.lab import process_environment
from workshop.lab.clients import write_tools
from workshop.lab.controllers.loop import Loop
from workshop.lab.controllers.tekton.remote.fetching import Fetching
from workshop.lab.controllers.tekton.remote.requests import Waiting
from workshop.lab.controllers.tekton.run import run_tekton
from workshop.lab.entrypoint.steps import AfterFailure
from workshop.lab.images.run import HostImages
from workshop.lab.images.store import ImageStore
from workshop.lab.kinds import built_in
from workshop.lab.paths import LabPaths
from workshop.lab.runtimes.base import Runtime
from workshop.lab.runtimes.choice import PODMAN
from workshop.lab.runtimes.podman.runtime import PodmanRuntime
from workshop.lab.runtimes.process.images import ImageTable
from workshop.lab.runtimes.process.launcher import Launcher
from workshop.lab.runtimes.process.runtime import ProcessRuntime
from workshop.lab.store import Store

T = TypeVar("T")
POLL_SECONDS = 0.02


@dataclass(frozen=True)
class Engine:
    """A store with its folder, and the runtime of its steps. Nothing runs before `running`."""

    paths: LabPaths
    store: Store
    launcher: Launcher
    runtime: Runtime

    @asynccontextmanager
    async def running(self, after_failure: AfterFailure | None = None) -> AsyncIterator[None]:
        """Run the controllers; at the end, stop the steps and everything that they started. Raises SetupError."""
        await self.launcher.open()
        env = process_environment.of_steps(self.paths, isolated=self.runtime.isolated)
        work = asyncio.create_task(run_tekton(self.store, self.paths, self.runtime, env, after_failure=after_failure))
        try:
            yield
        finally:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
            await self.runtime.close()
            await self.launcher.close()

    @asynccontextmanager
    async def resolving(self) -> AsyncIterator[None]:
        """Run the resolvers alone."""
        fetching = Fetching(self.store, self.paths)
        loop = Loop("tekton.resolvers", self.store, fetching.reconcile, owns=built_in("ResolutionRequest"))
        work = asyncio.create_task(loop.run())
        try:
            yield
        finally:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)

    async def when_resolved(self, call: Callable[[], T]) -> T:
        """The result of a function of the controllers, repeated until no resolver keeps it waiting."""
        async with self.resolving():
            while True:
                try:
                    return call()
                except Waiting:
                    await asyncio.sleep(POLL_SECONDS)


def engine(folder: Path, runtime: str = "") -> Engine:
    """An engine in a folder that is empty or that an earlier one has left; `runtime` is process or podman.

    Raises OSError, SetupError.
    """
    paths = LabPaths(folder.resolve())
    paths.make()
    store = Store(paths.store)
    store.load()
    write_tools(paths)
    launcher = Launcher(paths.run)
    if runtime == PODMAN:
        return Engine(paths, store, launcher, PodmanRuntime(paths))
    tools = process_environment.tools_folder(paths)
    table = ImageTable(HostImages(ImageStore(paths.images)), Path(sys.executable).parent, tools)
    visible = (Path(process_environment.base(paths)["UV_CACHE_DIR"]),)
    return Engine(paths, store, launcher, ProcessRuntime(paths, launcher, table, visible))
