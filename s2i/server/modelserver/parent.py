"""The parent of several workers: it binds the sockets, restarts workers, and serves their metrics.

It handles no request. All workers accept from the one socket that it bound, so a connection that waits there when a
worker dies is taken by another. A worker that dies is started again, at once or, when it did not live long, after a
pause that doubles. A worker that hangs longer than a prediction may take is killed. SIGTERM is passed to the workers,
and the parent ends after the last of them.
"""

import asyncio
import math
import os
import resource
import signal
import socket
import sys
import time
from asyncio.subprocess import Process
from contextlib import suppress

from modelserver.app import build_metrics
from modelserver.events import log_event
from modelserver.http import Front
from modelserver.metrics import Metrics
from modelserver.server import Server
from modelserver.serving import identity
from modelserver.settings import Settings
from modelserver.shared import ABSENT, LOADING, READY, Shared

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 30.0
LIVED_WELL = 5.0
"""Seconds of being ready after which a death is not one more failure in a row."""


class Parent:
    """Runs ``settings.workers`` workers of a model on the given sockets."""

    def __init__(self, name: str, settings: Settings, http: socket.socket, metrics: socket.socket | None) -> None:
        self._name = name
        self._settings = settings
        self._http = http
        self._metrics_socket = metrics
        self._shared = Shared.make(settings.workers + 1)
        self._metrics = Metrics(settings, identity(name, settings), self._shared, settings.workers)
        self._stopping = asyncio.Event()
        self._ready: set[int] = set()
        self._living: dict[int, Process] = {}
        self._code = 0

    async def run(self) -> int:
        """Run until a signal. The exit code is 0, or 1 when the model cannot be served; a worker has logged why."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop)
        self._shared.blocks[-1].pid = os.getpid()
        for block in self._shared.blocks[:-1]:
            # Readiness waits for all: a caller that came earlier would stay with the first worker.
            block.phase = LOADING
        scraped = None
        if self._metrics_socket is not None:
            front = Front(self._settings, self._metrics)
            scraped = Server(front, build_metrics(front))
            scraped.start(self._metrics_socket)
        log_event("listening", http=self._http, metrics=self._metrics_socket, workers=self._settings.workers)
        watching = asyncio.create_task(self._watch())
        await asyncio.gather(*(self._keep(at) for at in range(self._settings.workers)))
        watching.cancel()
        # To the end, so that what the workers counted last can still be read.
        if scraped is not None:
            await scraped.stop()
        log_event("stopped", answered=self._metrics.answered())
        return self._code

    def _stop(self) -> None:
        if not self._stopping.is_set():
            self._stopping.set()
            # No worker accepts any more: a caller is refused instead of waiting.
            self._http.close()
            for at, process in self._living.items():
                self._end(at, process)

    def _end(self, at: int, process: Process) -> None:
        with suppress(ProcessLookupError):
            if self._shared.blocks[at].phase == READY:
                process.terminate()
            else:
                # It has answered no request and would first load its model to the end.
                process.kill()

    async def _keep(self, at: int) -> None:
        """Start worker ``at`` again and again."""
        failures = 0
        while not self._stopping.is_set():
            code, ready = await self._live(at)
            if self._stopping.is_set():
                return
            if code == 1 and at not in self._ready:
                # The worker has logged why the model cannot be served; another try would end the same way.
                self._code = 1
                self._stop()
                return
            failures = 0 if ready > LIVED_WELL else failures + 1
            pause = pause_after(failures)
            self._metrics.restarts[0] += 1
            log_event("worker died", worker=at, code=code, again_in=pause)
            try:
                await asyncio.wait_for(self._stopping.wait(), pause)
            except TimeoutError:
                continue

    async def _live(self, at: int) -> tuple[int, float]:
        """Start a worker and wait for its end: its exit code, and for how many seconds it was ready."""
        block = self._shared.blocks[at]
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        with ours:
            with theirs:
                handed = (self._http.fileno(), self._shared.fd, theirs.fileno())
                flags = [flag for flag, on in (("-s", sys.flags.no_user_site), ("-S", sys.flags.no_site)) if on]
                words = [*flags, "-m", "modelserver", "--worker", *map(str, (at, *handed)), self._name]
                process = await asyncio.create_subprocess_exec(sys.executable, *words, pass_fds=handed)
            self._living[at] = process
            if self._stopping.is_set():
                self._end(at, process)
            began = math.inf
            if await asyncio.get_running_loop().sock_recv(ours, 1):
                began = time.monotonic()
                self._is_ready(at)
            try:
                code = await self._ended(process)
            finally:
                del self._living[at]
                block.phase, block.pid, block.connections = ABSENT, 0, 0
                used = resource.getrusage(resource.RUSAGE_CHILDREN)
                self._metrics.dead_cpu[0] = used.ru_utime + used.ru_stime
        return code, time.monotonic() - began

    async def _ended(self, process: Process) -> int:
        """Wait for a worker's end; kill one that does not end in time after the stop."""
        dying = asyncio.create_task(process.wait())
        stopped = asyncio.create_task(self._stopping.wait())
        await asyncio.wait((dying, stopped), return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        # The worker gives up by itself a second after the drain timeout; more is a hang, and kubelets do not wait long.
        await asyncio.wait((dying,), timeout=self._settings.drain_timeout + 1.5)
        if not dying.done():
            process.kill()
        return await dying

    def _is_ready(self, at: int) -> None:
        first = len(self._ready) < self._settings.workers
        self._ready.add(at)
        if first and len(self._ready) == self._settings.workers and not self._stopping.is_set():
            log_event("ready", http=self._http, metrics=self._metrics_socket, workers=self._settings.workers)

    async def _watch(self) -> None:
        """Kill a worker whose event loop has not run for longer than a prediction may take."""
        while True:
            await asyncio.sleep(1)
            oldest = time.monotonic() - self._settings.predict_timeout - 1
            for at, process in list(self._living.items()):
                block = self._shared.blocks[at]
                if block.phase == READY and block.beat < oldest:
                    log_event("worker hangs", worker=at, seconds=round(time.monotonic() - block.beat, 1))
                    process.kill()


def pause_after(failures: int) -> float:
    """Seconds to wait before a restart after so many deaths in a row."""
    return min(FIRST_PAUSE * 2.0 ** min(failures, 20), LONGEST_PAUSE)
