"""A running API server for tests: its own thread, its own folder, a free port."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import orjson
import urllib3

from workshop.lab.api import auth
from workshop.lab.api.app import build
from workshop.lab.api.serve import Server
from workshop.lab.kinds import BUILT_IN, Kinds
from workshop.lab.state import State
from workshop.lab.store import Store


class Lab:
    """Starts on construction; `stop()` when done."""

    def __init__(self, folder: Path) -> None:
        self.state = State(folder)
        self.state.make()
        self.kinds = Kinds(BUILT_IN)
        self.token = auth.token(self.state.token)
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.store: Store = self.run(self._open())
        certificate = auth.certificate(self.state.tls)
        self.server: Server = self.run(self._start(certificate))
        auth.kubeconfig(self.state.kubeconfig, server=self.server.url, authority=certificate.authority,
                        token=self.token)
        self.http = urllib3.PoolManager(ca_certs=str(certificate.authority),
                                        headers={"Authorization": f"Bearer {self.token}",
                                                 "User-Agent": "python-httpx/0.28"})
        for namespace in ("default", "user1-dev"):
            self.ask("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})

    async def _open(self) -> Store:
        store = Store(self.state.store)
        store.load(self.kinds.of)
        return store

    async def _start(self, certificate: auth.Certificate) -> Server:
        server = Server(build(self.store, self.kinds, self.state, self.token), certificate)
        await server.start()
        return server

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Run something in the server's loop."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(20)

    def call(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call a function of the store in the server's loop, as a controller would."""

        async def inside() -> Any:
            return function(*args, **kwargs)

        return self.run(inside())

    def ask(self, method: str, path: str, body: Any = None, *, headers: dict[str, str] | None = None,
            media: str = "application/json") -> tuple[int, Any]:
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
