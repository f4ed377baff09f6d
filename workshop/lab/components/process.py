"""Runs a program of the lab: starts it, waits until it is ready, restarts it with back-off, stops it.

A program that is not installed is not an error: the part is `missing`, and its message says how to install it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from workshop.lab.listening.owner import listening_ports
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

    Port 0 in `ready_url` is the port that the program chooses. `headers` are sent with requests to the program.
    `socket` is the Unix socket on which it listens instead of a port. `mounts` are files at the paths that it expects;
    they need namespaces. Without namespaces it runs without them.
    """

    argv: list[str]
    env: Mapping[str, str]
    cwd: Path
    ready_url: str
    log: Path
    mounts: tuple[Mount, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    socket: Path | None = None


@dataclass(frozen=True)
class Address:
    """Where a ready program answers: `http://host:port`, the headers that it needs, and its Unix socket if any."""

    url: str
    headers: Mapping[str, str]
    socket: Path | None


class ProcessRunner:
    """Keeps a program running. `spec` is called at its start, after all parts of the lab exist.

    Without `spec` there is nothing to start, and `missing` is the reason for the participant.
    """

    def __init__(self, lab: Lab, name: str, spec: Callable[[], ProcessSpec] | None = None, missing: str = "") -> None:
        self._lab, self._spec = lab, spec
        self._process: Process | None = None
        self._stopping = False
        self.address: Address | None = None
        """None while the program is not ready."""
        state, url = ("starting", lab.url(name)) if spec else ("missing", None)
        self._part = Part(name, state, url, message=missing)
        lab.show(self._part)

    async def run(self) -> None:
        """Keep the program running until `stop`; returns at once when it is missing."""
        if self._spec is None:
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
            ready = asyncio.ensure_future(_until_ready(spec, process.pid))
            await asyncio.wait({ended, ready}, return_when=asyncio.FIRST_COMPLETED)
            if ready.done() and (address := ready.result()):
                failures, self.address = 0, address
                self._show(state="ready", seconds=round(time.monotonic() - began, 2))
                await ended
                self.address = None
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
        if self._spec is not None:
            self._show(state="stopped", pid=None, message="")

    def _show(self, **changes: object) -> None:
        self._part = replace(self._part, **changes)  # type: ignore[arg-type]
        self._lab.show(self._part)


async def _until_ready(spec: ProcessSpec, pid: int) -> Address | None:
    """The address at which the process itself answers, within READY_SECONDS.

    Another program that answers there does not count. A Unix socket is in a folder that only this user may open.
    """
    # A late import: the command line reads the component descriptions and must not wait for aiohttp.
    import aiohttp

    parts = urlsplit(spec.ready_url)
    deadline = time.monotonic() + READY_SECONDS
    connector = aiohttp.UnixConnector(str(spec.socket)) if spec.socket else None
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=3)) as session:
        while time.monotonic() < deadline:
            with suppress(OSError, TimeoutError, aiohttp.ClientError):
                host = parts.netloc if spec.socket else await asyncio.to_thread(_owned, pid, parts.port or 0)
                if host:
                    url = urlunsplit(parts._replace(netloc=host))
                    async with session.get(url, headers=spec.headers, allow_redirects=False) as answer:
                        if answer.status < 500:
                            return Address(f"http://{host}", spec.headers, spec.socket)
            await asyncio.sleep(0.1)
    return None


def _owned(pid: int, port: int) -> str:
    """`127.0.0.1:port` if the process listens there; empty if it does not. Port 0 is any port."""
    ports = listening_ports(pid)
    found = port if port in ports else min(ports) if ports and not port else None
    return f"127.0.0.1:{found}" if found else ""
