"""One worker: an event loop, the model, and the sockets it was given."""

import asyncio
import gc
import os
import signal
import socket
import time
from dataclasses import dataclass

from modelserver.app import Service, build, build_metrics
from modelserver.errors import ServingError, StartError
from modelserver.events import log_event
from modelserver.http import Front
from modelserver.metrics import Metrics
from modelserver.model import Model, load_class
from modelserver.server import Server
from modelserver.serving import identity
from modelserver.settings import Settings
from modelserver.shared import DRAINING, LOADING, READY, Block, Shared


@dataclass(frozen=True, slots=True)
class WorkerSlot:
    """What a worker gets: its block of the shared memory, its sockets, and the connection to its parent, if any."""

    shared: Shared
    at: int
    http: socket.socket
    metrics: socket.socket | None
    parent: socket.socket | None = None

    @property
    def accepts_early(self) -> bool:
        """Whether the worker accepts connections while its model loads, so that probes are answered.

        The first worker of a group does, unless another one is ready already: then no request may come to a worker
        that cannot answer it yet.
        """
        return self.at == 0 and all(block.phase != READY for block in self.shared.blocks)


async def work(name: str, settings: Settings, slot: WorkerSlot) -> None:
    """Serve until a signal, or the parent's end. Raises ``StartError`` when the model cannot be served."""
    block = slot.shared.blocks[slot.at]
    model = Model(name, load_class(name), settings.parameters)
    metrics = Metrics(settings, identity(name, settings), slot.shared, slot.at)
    service = Service(model, settings, metrics, block)
    front = Front(settings, metrics)
    servers = [(Server(front, build(service, front), block if slot.parent else None), slot.http)]
    if slot.metrics is not None:
        servers.append((Server(front, build_metrics(front)), slot.metrics))
    stopping = asyncio.Event()

    def stop() -> None:
        block.phase = DRAINING
        stopping.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    if slot.parent is not None:
        # The parent never writes, so the socket is readable only when the parent has ended.
        loop.add_reader(slot.parent, lambda: (loop.remove_reader(slot.parent), stop()))  # type: ignore[arg-type]
    block.pid = os.getpid()
    beating = asyncio.create_task(_beat(block, metrics))
    accepting: list[Server] = []

    def accept() -> None:
        for server, sock in servers:
            server.start(sock)
            accepting.append(server)

    if slot.accepts_early:
        block.phase = LOADING
        accept()
    if slot.parent is None:
        log_event("listening", http=slot.http, metrics=slot.metrics)
    try:
        # In a thread, so that /live and /ready answer while a large model loads.
        await asyncio.to_thread(service.prepare)
        # Objects that exist now stay: the garbage collector need not visit them again.
        gc.collect()
        gc.freeze()
        if not stopping.is_set():
            block.phase = READY
            if not accepting:
                accept()
            if slot.parent is None:
                log_event("ready", http=slot.http, metrics=slot.metrics)
            else:
                slot.parent.send(b"r")
            await stopping.wait()
    except ServingError as error:
        raise StartError(f"{name}: the warm-up failed: {error}") from error
    finally:
        stop()
        # One after the other: metrics are shown until the last answer has been counted.
        for server in accepting:
            await server.stop()
        metrics.flush()
        beating.cancel()
        front.log.flush()
    if slot.parent is None:
        log_event("stopped", answered=metrics.answered())


async def _beat(block: Block, metrics: Metrics) -> None:
    """Show the parent that the event loop runs, and what has been counted since."""
    while True:
        block.beat = time.monotonic()
        metrics.flush()
        await asyncio.sleep(0.5)
