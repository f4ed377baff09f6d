"""The process: it binds its ports, loads the model, and is ready then; at its end it loses no answer.

Both ports are bound before the model is loaded, so a port in use is reported at once and by name. ``/live``
answers while the model loads. SIGTERM and SIGINT end the process: readiness turns false, no connection is
accepted, requests under way are finished within ``drain_timeout``, and the exit code is 0.

One worker is this process itself. Several workers are processes of their own, which ``parent`` starts.
"""

import logging
import resource
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import uvloop

from modelserver.errors import StartError
from modelserver.parent import Parent
from modelserver.settings import Settings
from modelserver.shared import Shared
from modelserver.worker import WorkerSlot, work

OTHER_FILES = 64
"""Files that a process has open in addition to its connections: logs, the model's files, memory, sockets."""


def serve(name: str, settings: Settings) -> int:
    """Serve the model until a signal ends it; the exit code. Raises ``StartError``."""
    allow_open_files(settings.max_connections)
    with bound("PREDICTIVE_UNIT_HTTP_SERVICE_PORT", settings.host, settings.http_port) as http:
        if settings.metrics_port == settings.http_port != 0:
            return _serve(name, settings, http, None)
        with bound("PREDICTIVE_UNIT_METRICS_SERVICE_PORT", settings.host, settings.metrics_port) as metrics:
            return _serve(name, settings, http, metrics)


def _serve(name: str, settings: Settings, http: socket.socket, metrics: socket.socket | None) -> int:
    if settings.workers > 1:
        return uvloop.run(Parent(name, settings, http, metrics).run())
    uvloop.run(work(name, settings, WorkerSlot(Shared.make(1), 0, http, metrics)))
    return 0


def serve_as_worker(name: str, settings: Settings, at: int, http: int, shared: int, parent: int) -> int:
    """Be worker number ``at`` with what the parent handed over as file descriptors. Raises ``StartError``."""
    memory = Shared(shared, settings.workers + 1)
    uvloop.run(
        work(name, settings, WorkerSlot(memory, at, socket.socket(fileno=http), None, socket.socket(fileno=parent)))
    )
    return 0


def allow_open_files(max_connections: int) -> None:
    """Raise the soft limit of open files to what both ports' connections need.

    Raises ``StartError`` when the hard limit is lower.
    """
    needed = 2 * max_connections + OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return
    if hard != resource.RLIM_INFINITY and hard < needed:
        text = f"MODEL_SERVER_MAX_CONNECTIONS is {max_connections}, which needs {needed} open files"
        raise StartError(f"{text}; the system allows {hard} (ulimit -Hn)")
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


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


def configure_logging() -> None:
    """Everything goes to standard error, one line an event; the events of this package are JSON."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    own = logging.getLogger("modelserver")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(message)s"))
    own.addHandler(handler)
    own.setLevel(logging.INFO)
    own.propagate = False
