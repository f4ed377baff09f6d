"""The parts of a lab that a run needs, in a folder of their own."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from workshop.lab import process_environment
from workshop.lab.clients import write_tools
from workshop.lab.controllers.tekton.run import run_tekton
from workshop.lab.entrypoint.steps import AfterFailure
from workshop.lab.images.run import HostImages
from workshop.lab.images.store import ImageStore
from workshop.lab.paths import LabPaths
from workshop.lab.runtimes.process.images import ImageTable
from workshop.lab.runtimes.process.launcher import Launcher
from workshop.lab.runtimes.process.runtime import ProcessRuntime
from workshop.lab.store import Store


@dataclass(frozen=True)
class Engine:
    """A store with its folder, and the runtime of its steps. Nothing runs before `running`."""

    paths: LabPaths
    store: Store
    launcher: Launcher
    runtime: ProcessRuntime

    @asynccontextmanager
    async def running(self, after_failure: AfterFailure | None = None) -> AsyncIterator[None]:
        """Run the controllers; at the end, stop the steps and everything that they started. Raises SetupError."""
        await self.launcher.open()
        env = process_environment.of_steps(self.paths)
        work = asyncio.create_task(run_tekton(self.store, self.paths, self.runtime, env, after_failure=after_failure))
        try:
            yield
        finally:
            work.cancel()
            with suppress(asyncio.CancelledError):
                await asyncio.gather(work, return_exceptions=True)
            await self.launcher.close()


def engine(folder: Path) -> Engine:
    """An engine in a folder that is empty or that an earlier one has left. Raises OSError, SetupError."""
    paths = LabPaths(folder.resolve())
    paths.make()
    store = Store(paths.store)
    store.load()
    write_tools(paths)
    launcher = Launcher(paths.run)
    tools = process_environment.tools_folder(paths)
    table = ImageTable(HostImages(ImageStore(paths.images)), Path(sys.executable).parent, tools)
    visible = (Path(process_environment.base(paths)["UV_CACHE_DIR"]),)
    return Engine(paths, store, launcher, ProcessRuntime(paths, launcher, table, visible))
