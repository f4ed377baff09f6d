"""A proxy before an API server that answers wrongly when a test wants it to."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from tests.workshop.lab.serving import Lab

Fault = Callable[[int, str, str], int]
"""Gets the number of the request, its method and its path; returns a status to answer with, 0 to pass the request on,
CUT to pass it on and close the connection without an answer, or HOLD to give no answer until `stop()`."""
CUT, HOLD = -1, -2


class Proxy:
    """Runs in a thread of its own between construction and `stop()`. `fault` may be replaced at any time.

    `discovered` is a group of the aggregated discovery that the API server adds to its own.
    """

    def __init__(self, lab: Lab, folder: Path) -> None:
        self.fault: Fault = lambda number, method, path: 0
        self.discovered: dict[str, Any] = {}
        self.requests = 0
        self._lab = lab
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        port = asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(10)
        self.kubeconfig = folder / "proxied"
        content = {
            "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
            "users": [{"name": "u", "user": {"token": lab.token}}],
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
            "current-context": "x",
        }
        self.kubeconfig.write_text(json.dumps(content))

    def stop(self) -> None:
        """End the proxy."""
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    async def _start(self) -> int:
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=False))
        app = web.Application(client_max_size=2**24)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._stopped = asyncio.Event()
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        return int(self._runner.addresses[0][1])

    async def _stop(self) -> None:
        self._stopped.set()
        await self._runner.cleanup()
        await self._session.close()

    async def _handle(self, request: web.Request) -> web.Response:
        self.requests += 1
        status = self.fault(self.requests, request.method, request.path)
        if status > 0:
            return web.json_response({"kind": "Status", "code": status, "message": f"made {status}"}, status=status)
        if status == HOLD:
            await self._stopped.wait()
            return web.Response(status=503)
        kept = ("Authorization", "Content-Type", "Accept", "User-Agent")
        async with self._session.request(
            request.method,
            self._lab.server.url + request.path_qs,
            headers={name: request.headers[name] for name in kept if name in request.headers},
            data=await request.read() or None,
        ) as answer:
            body = await answer.read()
            if status == CUT and request.transport is not None:
                request.transport.abort()
            if self.discovered and request.path == "/apis" and "APIGroupDiscovery" in request.headers.get("Accept", ""):
                found = json.loads(body)
                body = json.dumps({**found, "items": [*found["items"], self.discovered]}).encode()
            content_type = answer.headers.get("Content-Type", "application/json")
            return web.Response(status=answer.status, body=body, headers={"Content-Type": content_type})
