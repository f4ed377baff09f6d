"""JupyterHub's proxy with the lab's limits: `python -m workshop.lab.components.jupyterhub_proxy OPTIONS`.

The options are those of configurable-http-proxy. Its servers have no settings for limits, so they are created here.
They bind with SO_REUSEPORT, which keeps other users' programs from the port while the proxy restarts. Tornado bounds
the size of a head and the time of a head and a body; the number of connections and the bytes of all bodies are bounded
here. WebSockets are not counted: only a browser that is logged in has one.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any, cast

from configurable_http_proxy import cli  # type: ignore[import-untyped]
from tornado.http1connection import HTTP1ServerConnection
from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPConnection, HTTPHeaders, HTTPMessageDelegate, RequestStartLine, ResponseStartLine
from tornado.iostream import IOStream

from workshop.lab.listening import limits


@dataclass
class Client:
    """A connection. `waits` says whether it waits for data, since `received`; `buffered` are the bytes of its body."""

    stream: IOStream
    received: float
    waits: bool = True
    buffered: int = 0


class CountedRequest(HTTPMessageDelegate):
    """Passes one request on to `delegate` and reports it to the server."""

    def __init__(self, delegate: HTTPMessageDelegate, server: ProxyServer, client: Client) -> None:
        self._delegate, self._server, self._client = delegate, server, client

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        """The head is complete."""
        self._client.received = time.monotonic()
        return self._delegate.headers_received(start_line, headers)

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        """A part of the body."""
        self._client.received = time.monotonic()
        self._server.add_body(self._client, len(chunk))
        return self._delegate.data_received(chunk)

    def finish(self) -> None:
        """The request is complete."""
        self._client.waits = False
        self._delegate.finish()

    def on_connection_close(self) -> None:
        """The connection ended before the request was complete."""
        self._delegate.on_connection_close()


class ProxyServer(HTTPServer):
    """One of the proxy's two servers: for browsers, and for the hub."""

    def initialize(self, *args: Any, **kwargs: Any) -> None:
        """Create the server with the lab's limits."""
        bounds = {
            "max_header_size": limits.HEAD_BYTES,
            "idle_connection_timeout": limits.HEAD_SECONDS * 2,
            "body_timeout": limits.BODY_SECONDS,
            "max_body_size": limits.BUFFERED_BYTES,
        }
        super().initialize(*args, **{**bounds, **kwargs})
        self._clients: dict[object, Client] = {}
        self._most_connections = limits.connections()

    def listen(  # type: ignore[override]  # the rest is passed on
        self, port: int, address: str | None = None, **kwargs: Any
    ) -> None:
        """Listen on a port that is reserved for this user."""
        super().listen(port, address, **{"reuse_port": sys.platform == "linux", **kwargs})

    def handle_stream(self, stream: IOStream, address: tuple[Any, ...]) -> None:
        """Accept a connection. At the limit, close the connection that has waited longest for its client."""
        if len(self._clients) >= self._most_connections:
            waiting = [client for client in self._clients.values() if client.waits and not client.stream.closed()]
            if not waiting:
                stream.close()
                return
            min(waiting, key=lambda client: client.received).stream.close()
        super().handle_stream(stream, address)

    def start_request(self, server_conn: object, request_conn: HTTPConnection) -> HTTPMessageDelegate:
        """Tornado calls this for a new connection and after each response, before the next request."""
        stream = cast("HTTP1ServerConnection", server_conn).stream
        client = self._clients[server_conn] = Client(stream, time.monotonic())
        return CountedRequest(super().start_request(server_conn, request_conn), self, client)

    def on_close(self, server_conn: object) -> None:
        """A connection has ended or has become a WebSocket."""
        self._clients.pop(server_conn, None)
        super().on_close(server_conn)

    def add_body(self, client: Client, size: int) -> None:
        """Count `size` more bytes of a body. Above the limit, close the connection with the largest body."""
        client.buffered += size
        if sum(one.buffered for one in self._clients.values()) > limits.BUFFERED_BYTES:
            largest = max(self._clients.values(), key=lambda one: one.buffered * one.waits)
            largest.buffered = 0
            largest.stream.close()


def main() -> None:
    """Run the proxy until SIGTERM."""
    limits.raise_open_files()
    cli.HTTPServer = ProxyServer
    cli.main()


if __name__ == "__main__":
    main()
