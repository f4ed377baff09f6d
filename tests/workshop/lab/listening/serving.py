"""A server on a free port with the lab's limits, and raw connections to it."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from workshop.lab.listening.listener import Listener
from workshop.lab.listening.server import server


class Echo:
    """Answers each request with its path and body, and keeps the headers of each; a path /wait/ waits for `go`."""

    def __init__(self) -> None:
        self.headers: list[list[tuple[bytes, bytes]]] = []
        self.go = threading.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        body = b""
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        self.headers.append(scope["headers"])
        while scope["path"].startswith("/wait") and not self.go.is_set():
            await asyncio.sleep(0.01)
        answer = f"{scope['method']} {scope['path']} ".encode() + body
        headers = [(b"content-length", str(len(answer)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})


class Port:
    """A port that is listened on; `listener` has what it counts."""

    def __init__(self, number: int, listener: Listener) -> None:
        self.number, self.listener = number, listener
        self._open: list[socket.socket] = []

    def connect(self, sent: bytes = b"") -> socket.socket:
        """A new connection on which `sent` has been sent; closed at the end of the test."""
        one = socket.create_connection(("127.0.0.1", self.number), timeout=20)
        self._open.append(one)
        one.sendall(sent)
        return one

    def ask(self, sent: bytes) -> bytes:
        """All that comes until the server ends the connection; `sent` asks for that."""
        one = self.connect()
        with suppress(OSError):
            one.sendall(sent)
        return rest_of(one)

    def close(self) -> None:
        for one in self._open:
            one.close()


def rest_of(one: socket.socket) -> bytes:
    """All that comes until the connection ends."""
    found = b""
    while True:
        try:
            got = one.recv(65536)
        except ConnectionError:
            return found
        if not got:
            return found
        found += got


@contextmanager
def listening(app: ASGIApp, run: Callable[..., None] = asyncio.run, **options: Any) -> Iterator[Port]:
    """Serve until the end of the block. `run` is asyncio's or uvloop's."""
    sock = socket.create_server(("127.0.0.1", 0))
    made = server(app, lifespan="off", log_config=None, **options)
    thread = threading.Thread(target=lambda: run(made.serve(sockets=[sock])), daemon=True)
    thread.start()
    port = Port(sock.getsockname()[1], made.config.http.args[0])  # type: ignore[union-attr]
    try:
        yield port
    finally:
        port.close()
        made.should_exit = True
        thread.join(10)
        sock.close()
