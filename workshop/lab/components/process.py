"""Runs a program of the lab: starts it, waits until it is ready, restarts it with back-off, stops it.

A program that is not installed is not an error: the part is `missing`, and its message says how to install it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from workshop.lab.listening.owner import listens
from workshop.lab.parts import Part
from workshop.lab.runtimes.base import Mount
from workshop.lab.runtimes.process.launcher import Process, Spec

if TYPE_CHECKING:
    from workshop.lab.lab import Lab

READY_SECONDS = 120.0
"""Seconds. A first start of MLflow on a slow disk takes 30 s; four times that is a failure."""
BACKOFF_SECONDS = (0.5, 2.0, 5.0, 15.0)
STOP_SECONDS = 5.0
"""Seconds from SIGTERM to SIGKILL."""


@dataclass(frozen=True)
class ProcessSpec:
    """The command of a program. The program is ready when `ready_url` answers with a code below 500.

    `mounts` are files at the paths that it expects; they need namespaces. Without namespaces it runs without them.
    """

    argv: list[str]
    env: Mapping[str, str]
    cwd: Path
    url: str
    ready_url: str
    log: Path
    mounts: tuple[Mount, ...] = ()


class ProcessRunner:
    """Keeps a program running. `spec` is called at its start, after all parts of the lab exist.

    With `missing`, a reason for the participant, there is nothing to start.
    """

    def __init__(self, lab: Lab, name: str, spec: Callable[[], ProcessSpec], missing: str = "") -> None:
        self._lab, self._spec, self._missing = lab, spec, missing
        self._process: Process | None = None
        self._stopping = False
        state, url = ("missing", None) if missing else ("starting", lab.url(name))
        self._part = Part(name, state, url, message=missing)
        lab.show(self._part)

    async def run(self) -> None:
        """Keep the program running until `stop`; returns at once when it is missing."""
        if self._missing:
            return
        spec = self._spec()
        spec.cwd.mkdir(parents=True, exist_ok=True)
        spec.log.parent.mkdir(parents=True, exist_ok=True)
        failures = 0
        while not self._stopping:
            began = time.monotonic()
            mounts = spec.mounts if spec.mounts and self._lab.launcher.namespaces else None
            self._process = process = await self._lab.launcher.start(
                Spec(argv=list(spec.argv), env=dict(spec.env), cwd=str(spec.cwd), log=spec.log, mounts=mounts)
            )
            self._show(state="starting", pid=process.pid, message="")
            ended = asyncio.ensure_future(process.wait())
            ready = asyncio.ensure_future(_until_ready(spec.ready_url, process.pid))
            await asyncio.wait({ended, ready}, return_when=asyncio.FIRST_COMPLETED)
            if ready.done() and ready.result():
                failures = 0
                self._show(state="ready", seconds=round(time.monotonic() - began, 2))
                await ended
            ready.cancel()
            if not ended.done():
                await process.stop(STOP_SECONDS)
            if self._stopping:
                break
            wait = BACKOFF_SECONDS[min(failures, len(BACKOFF_SECONDS) - 1)]
            failures += 1
            why = f"ended with exit code {await ended}; workshop logs {self._part.name}"
            self._show(state="failed", pid=None, message=why)
            await asyncio.sleep(wait)

    async def stop(self) -> None:
        """Stop the program: SIGTERM, then SIGKILL after five seconds."""
        self._stopping = True
        if self._process is not None and self._process.code is None:
            await self._process.stop(STOP_SECONDS)
        if not self._missing:
            self._show(state="stopped", pid=None, message="")

    def _show(self, **changes: object) -> None:
        self._part = replace(self._part, **changes)  # type: ignore[arg-type]
        self._lab.show(self._part)


async def _until_ready(url: str, pid: int) -> bool:
    """Whether the process itself answers at the address within READY_SECONDS; another program there does not count."""
    # A late import: the command line reads the component descriptions and must not wait for aiohttp.
    import aiohttp

    deadline = time.monotonic() + READY_SECONDS
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=3)) as session:
        while time.monotonic() < deadline:
            try:
                async with session.get(url) as answer:
                    port = answer.url.port
                    if answer.status < 500 and port is not None and await asyncio.to_thread(listens, pid, port):
                        return True
            except (OSError, TimeoutError, aiohttp.ClientError):
                pass
            await asyncio.sleep(0.1)
    return False
