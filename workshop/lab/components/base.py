"""One real program that the lab runs: how it starts, when it is ready, what happens when it ends.

A component that is not installed is not an error: the lab goes on without it and says how to get it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from workshop.lab.listening.owner import listens
from workshop.lab.runtimes.process.launcher import Launcher, Process, Spec

READY_SECONDS = 120.0
"""A cold MLflow on a slow disk takes 30 s; four times that is a failure."""
BACKOFF_SECONDS = (0.5, 2.0, 5.0, 15.0)


@dataclass(frozen=True)
class Component:
    """What to start. `missing` says why it cannot be started, in words for a participant."""

    name: str
    argv: list[str] = field(default_factory=list)
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path = Path("/")
    url: str = ""
    ready_url: str = ""
    log: Path = Path("/dev/null")
    missing: str = ""


class Running:
    """A component under supervision: started, watched, restarted with back-off, stopped."""

    def __init__(self, component: Component, launcher: Launcher, changed: Callable[[], None]) -> None:
        self.component = component
        self.state = "missing" if component.missing else "starting"
        self.process: Process | None = None
        self.message = component.missing
        self.seconds = 0.0
        self._launcher, self._changed = launcher, changed
        self._stopping = False

    @property
    def pid(self) -> int | None:
        return self.process.pid if self.process is not None and self.process.code is None else None

    async def run(self) -> None:
        """Keep the component up until `stop`; returns at once when it is missing."""
        if self.component.missing:
            return
        failures = 0
        while not self._stopping:
            began = time.monotonic()
            self._set("starting")
            self.component.log.parent.mkdir(parents=True, exist_ok=True)
            self.process = await self._launcher.start(
                Spec(
                    argv=list(self.component.argv),
                    env=dict(self.component.env),
                    cwd=str(self.component.cwd),
                    log=self.component.log,
                )
            )
            ended = asyncio.ensure_future(self.process.wait())
            ready = asyncio.ensure_future(self._until_ready())
            await asyncio.wait({ended, ready}, return_when=asyncio.FIRST_COMPLETED)
            if ready.done() and ready.result():
                self.seconds = time.monotonic() - began
                failures = 0
                self._set("ready")
                await ended
            ready.cancel()
            if not ended.done():
                await self.process.stop(5.0)
            if self._stopping:
                break
            wait = BACKOFF_SECONDS[min(failures, len(BACKOFF_SECONDS) - 1)]
            failures += 1
            self._set("failed", f"ended with exit code {await ended}; workshop logs {self.component.name}")
            await asyncio.sleep(wait)

    async def stop(self) -> None:
        """End it: SIGTERM, then SIGKILL after five seconds."""
        self._stopping = True
        if self.process is not None and self.process.code is None:
            await self.process.stop(5.0)
        if not self.component.missing:
            self._set("stopped")

    async def _until_ready(self) -> bool:
        deadline = time.monotonic() + READY_SECONDS
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=3)) as session:
            while time.monotonic() < deadline:
                try:
                    async with session.get(self.component.ready_url) as answer:
                        if answer.status < 500 and await self._is_ours(answer.url.port):
                            return True
                except (OSError, TimeoutError, aiohttp.ClientError):
                    pass
                await asyncio.sleep(0.1)
        return False

    async def _is_ours(self, port: int | None) -> bool:
        """Whether the process that was started is the one that listens."""
        pid = self.pid
        return pid is not None and port is not None and await asyncio.to_thread(listens, pid, port)

    def _set(self, state: str, message: str = "") -> None:
        self.state, self.message = state, message
        self._changed()
