"""What the server of JupyterHub's proxy refuses, and that it goes on to answer others."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

import pytest
from tornado.web import Application, RequestHandler

from tests.kit import until
from tests.workshop.lab.listening.serving import Port, rest_of
from workshop.lab.components.jupyterhub_proxy import ProxyServer
from workshop.lab.listening import limits
from workshop.lab.listening.listener import Listener


class Echo(RequestHandler):
    def get(self) -> None:
        self.write("hello")

    def post(self) -> None:
        self.write(str(len(self.request.body)))


@dataclass
class Served:
    port: Port
    server: ProxyServer


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """A server with small limits."""
    monkeypatch.setattr(limits, "BUFFERED_BYTES", 3_000_000)
    monkeypatch.setattr(limits, "connections", lambda: 8)
    monkeypatch.setattr(limits, "HEAD_SECONDS", 1.0)
    monkeypatch.setattr(limits, "BODY_SECONDS", 2.0)
    sock = socket.create_server(("127.0.0.1", 0))
    sock.setblocking(False)
    loop = asyncio.new_event_loop()
    made: list[ProxyServer] = []

    async def start() -> None:
        made.append(ProxyServer(Application([("/", Echo)])))
        made[0].add_socket(sock)

    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    asyncio.run_coroutine_threadsafe(start(), loop).result(10)
    port = Port(sock.getsockname()[1], Listener())
    try:
        yield Served(port, made[0])
    finally:
        port.close()
        loop.call_soon_threadsafe(made[0].stop)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


GET = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"


def post(size: int, sent: int) -> bytes:
    head = f"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Length: {size}\r\n\r\n"
    return head.encode() + b"z" * sent


def test_a_head_above_its_limit_is_not_read(served: Served) -> None:
    assert b"200 OK" not in served.port.ask(GET[:-2] + (b"X: " + b"y" * 70 + b"\r\n") * 10_000)
    assert served.port.ask(GET).endswith(b"hello")


@pytest.mark.parametrize("begun", [b"", b"GET / HTTP/1.1\r\n", post(100, 50)], ids=["nothing", "head", "body"])
def test_a_request_that_does_not_end_loses_its_connection(served: Served, begun: bytes) -> None:
    assert b"200 OK" not in rest_of(served.port.connect(begun))


def test_at_the_limit_of_connections_the_longest_silent_one_goes(served: Served) -> None:
    silent = served.port.connect(b"GET /")
    until(lambda: len(served.server._clients) == 1)
    others = [served.port.connect(post(100, 50)) for _ in range(7)]
    until(lambda: len(served.server._clients) == 8)
    assert served.port.ask(GET).endswith(b"hello")
    assert rest_of(silent) == b"" and len(others) == 7
    assert len(served.server._clients) <= 8


def test_above_the_budget_the_largest_body_loses_its_connection(served: Served) -> None:
    assert served.port.ask(post(2_000_000, 2_000_000)).endswith(b"2000000")
    assert b"200 OK" not in served.port.ask(post(4_000_000, 1_000))
    largest = served.port.connect(post(2_900_000, 1_600_000))
    until(lambda: sum(one.buffered for one in served.server._clients.values()) == 1_600_000)
    for _ in range(3):
        with suppress(OSError):
            served.port.connect(post(2_900_000, 700_000))
    assert rest_of(largest) == b""
    assert served.port.ask(post(100_000, 100_000)).endswith(b"100000")
    assert sum(one.buffered for one in served.server._clients.values()) <= limits.BUFFERED_BYTES
