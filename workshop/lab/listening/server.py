"""A uvicorn server with the limits of `limits`, for one port."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from workshop.lab.listening.connection import Connection
from workshop.lab.listening.handshake import Handshake
from workshop.lab.listening.listener import Listener, Scope, buffers_all


class _Server(uvicorn.Server):
    """Uvicorn without its signal handlers: several servers share a process, which has its own handlers."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def server(
    app: ASGIApp,
    *,
    tls: tuple[Path, Path] | None = None,
    buffers: Callable[[Scope], bool] = buffers_all,
    websockets: bool = False,
    handles_signals: bool = False,
    **more: Any,
) -> uvicorn.Server:
    """A server of `app`; await its `serve(sockets=[...])`.

    `tls` is a certificate and its key. `buffers` says, for a request's scope, whether the application keeps its body in
    memory as a whole. Without `websockets`, a WebSocket request is answered as any other. `handles_signals` is for a
    process with one server. `more` goes to uvicorn.Config.
    """
    listener = Listener(buffers)
    made = partial(Connection, listener)
    return (uvicorn.Server if handles_signals else _Server)(
        uvicorn.Config(
            app,
            http=partial(Handshake, listener, _context(*tls), made) if tls else made,  # type: ignore[arg-type]  # as a class
            ws="auto" if websockets else "none",
            log_level="warning",
            access_log=False,
            interface="asgi3",
            proxy_headers=False,
            **{"timeout_graceful_shutdown": 2, **more},
        )
    )


def _context(certificate: Path, key: Path) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(certificate, key)
    return made
