"""A running API server for tests: its own thread, its own folder, a free port."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import urllib3
from starlette.types import ASGIApp

from workshop.lab.api import auth
from workshop.lab.api.app import build
from workshop.lab.build import build_lab
from workshop.lab.identity.kubeconfig import write_kubeconfig
from workshop.lab.identity.users import MASTERS, PARTICIPANTS, person
from workshop.lab.lab import Lab as RunningLab
from workshop.lab.listening.server import server
from workshop.lab.paths import LabPaths
from workshop.lab.rbac.defaults import reconcile_defaults
from workshop.lab.store import Store


class Server:
    """One API server on a socket: `await start()`, then `await stop()`."""

    def __init__(self, app: ASGIApp, certificate: auth.Certificate, *, port: int = 0, host: str = "127.0.0.1") -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        # Named, so that asyncio knows TCP and sends at once: an answer waits 40 ms for the reader otherwise.
        self._socket = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self._socket.bind((host, port))
        self.port: int = self._socket.getsockname()[1]
        self.url = f"https://{host}:{self.port}"
        self._server = server(
            app,
            tls=(certificate.cert, certificate.key),
            log_config=None,
            lifespan="off",
            server_header=False,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=1,
        )
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to answer. Raises OSError, ssl.SSLError."""
        self._server.config.load()
        self._task = asyncio.create_task(self._server._serve([self._socket]))
        while not self._server.started:
            if self._task.done():
                self._task.result()
                raise OSError("the API server ended before it was ready")
            await asyncio.sleep(0.01)

    async def stop(self) -> None:
        """Stop answering; watches end within a second."""
        self._server.should_exit = True
        if self._task:
            with suppress(asyncio.CancelledError):
                await self._task
        self._socket.close()


class Lab:
    """Starts on construction; `stop()` when done."""

    def __init__(self, folder: Path) -> None:
        self.state = LabPaths(folder)
        self.state.make()
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.store: Store = self.run(self._open())
        certificate = auth.certificate(self.state.tls)
        self.server: Server = self.run(self._start(certificate))
        write_kubeconfig(
            self.state.kubeconfig,
            server=self.server.url,
            authority=certificate.authority,
            token=self.token,
            user="user1",
            namespace="user1-dev",
        )
        self.http = urllib3.PoolManager(
            ca_certs=str(certificate.authority),
            headers={"Authorization": f"Bearer {self.token}", "User-Agent": "python-httpx/0.28"},
        )
        self.call(reconcile_defaults, self.store)
        for namespace in ("default", "user1-dev"):
            self.ask("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})

    async def _open(self) -> Store:
        store = Store(self.state.store)
        store.load()
        return store

    async def _start(self, certificate: auth.Certificate) -> Server:
        self.running = self.made()
        server = Server(build(self.running), certificate)
        await server.start()
        return server

    def made(self) -> RunningLab:
        """The lab that the server belongs to. Its participant may do everything, and `bea` nothing."""
        made = build_lab(self.state, self.store, "the-token", {}, {})
        users = made.identities.users.ensure([person("user1", MASTERS, PARTICIPANTS), person("bea")])
        self.token, self.plain_token = users.token("user1"), users.token("bea")
        return replace(made, identities=replace(made.identities, users=users))

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Run something in the server's loop."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(20)

    def call(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call a function of the store in the server's loop, as a controller would."""

        async def inside() -> Any:
            return function(*args, **kwargs)

        return self.run(inside())

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: dict[str, str] | None = None,
        media: str = "application/json",
    ) -> tuple[int, Any]:
        """Code and answer: parsed when it is JSON, else text."""
        raw = body if isinstance(body, bytes) else None if body is None else orjson.dumps(body)
        sent = {**self.http.headers, "Content-Type": media, **(headers or {})}
        answer = self.http.request(method, self.server.url + path, body=raw, headers=sent, retries=False)
        if answer.headers.get("content-type", "").startswith("application/json"):
            return answer.status, orjson.loads(answer.data)
        return answer.status, answer.data.decode()

    def stop(self) -> None:
        self.http.clear()
        self.run(self.server.stop())
        self.call(self.store.close)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(5)
        self.loop.close()
