"""The process: sockets first, the model next, ready last; and out again without losing an answer.

Both ports are bound before the model is loaded, so a port in use is told at once and by name. ``/live``
answers while the model loads. SIGTERM and SIGINT end it: readiness turns false, nothing new is accepted,
what is under way is finished within ``drain_timeout``, and the exit code is 0.
"""

import asyncio
import logging
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import orjson
import uvicorn
import uvloop
from starlette.types import ASGIApp

from modelserver.app import Service, State, build, build_metrics
from modelserver.errors import ServingError, StartError
from modelserver.http import Front
from modelserver.metrics import Metrics
from modelserver.model import Model, load_class
from modelserver.settings import Settings

log = logging.getLogger("modelserver")


def serve(name: str, settings: Settings) -> None:
    """Serve the model until a signal ends it. Raises ``StartError``."""
    with bound("PREDICTIVE_UNIT_HTTP_SERVICE_PORT", settings.host, settings.http_port) as http:
        separate = settings.metrics_port != settings.http_port or settings.metrics_port == 0
        port = settings.metrics_port
        if not separate:
            uvloop.run(_serve(name, settings, http, None))
            return
        with bound("PREDICTIVE_UNIT_METRICS_SERVICE_PORT", settings.host, port) as metrics:
            uvloop.run(_serve(name, settings, http, metrics))


@contextmanager
def bound(variable: str, host: str, port: int) -> Iterator[socket.socket]:
    """A bound socket; ``StartError`` names the variable that holds the port when it is in use."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((host, port))
            # Listening here, not in the server, also refuses a port that another process holds on 0.0.0.0.
            sock.listen(1024)
        except OSError as error:
            text = f"cannot listen on {host}:{port}: {error.strerror}; set {variable} to a free port"
            raise StartError(text) from error
        sock.setblocking(False)
        yield sock


async def _serve(name: str, settings: Settings, http: socket.socket, metrics_socket: socket.socket | None) -> None:
    state = State()
    model = Model(name, load_class(name), settings.parameters)
    metrics = Metrics(settings, settings.unit_id or model.name.rpartition(".")[2])
    service = Service(model, settings, metrics, state)
    front = Front(settings, metrics)
    main = _server(build(service, front), settings)
    # The server's own set of tasks is the queue: each request in it has begun and not been answered.
    front.queue = lambda: len(main.server_state.tasks)
    servers = [(main, http)]
    if metrics_socket is not None:
        servers.append((_server(build_metrics(service, front), settings), metrics_socket))

    def stop() -> None:
        state.phase = "draining"
        for server, _ in servers:
            server.should_exit = True

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    watcher = asyncio.create_task(front.watch_bodies())
    tasks = [asyncio.create_task(server._serve(sockets=[sock])) for server, sock in servers]
    announce("listening", http=http, metrics=metrics_socket)
    try:
        # In a thread, so that /live and /ready answer while a large model loads.
        await asyncio.to_thread(service.prepare)
        if state.phase == "loading":
            state.phase = "ready"
            announce("ready", http=http, metrics=metrics_socket)
    except ServingError as error:
        raise StartError(f"{name}: the warm-up failed: {error}") from error
    finally:
        if state.phase == "loading":
            stop()
        await asyncio.gather(*tasks)
        watcher.cancel()
        front.log.flush()
    log.info("%s", orjson.dumps({"event": "stopped"}).decode())


def _server(app: ASGIApp, settings: Settings) -> uvicorn.Server:
    return uvicorn.Server(
        uvicorn.Config(
            app,
            lifespan="off",
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=int(settings.drain_timeout),
        )
    )


def announce(event: str, **sockets: socket.socket | None) -> None:
    """One line on the log that tells machines where the process listens: with port 0 nobody else knows."""
    ports = {name: sock.getsockname()[1] for name, sock in sockets.items() if sock is not None}
    log.info("%s", orjson.dumps({"event": event, **ports}).decode())


def configure_logging() -> None:
    """Everything goes to standard error, one line an event; the events of this package are JSON."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    own = logging.getLogger("modelserver")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(message)s"))
    own.addHandler(handler)
    own.setLevel(logging.INFO)
    own.propagate = False
