"""How long the lab's servers wait for a request: one that begins and never goes on must not hold a descriptor."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_SECONDS = 32.0
"""For the first line and the headers, as an API server waits (ReadHeaderTimeout in apiserver's secure serving)."""


class Http(HttpToolsProtocol):
    """Uvicorn's protocol, which closes a connection whose request's head does not come in time.

    Uvicorn itself bounds only the silence after an answer (timeout_keep_alive).
    """

    _waiting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._wait()

    def on_headers_complete(self) -> None:
        self._stop()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop()
        super().connection_lost(exc)

    def _wait(self) -> None:
        self._stop()
        self._waiting = self.loop.call_later(HEAD_SECONDS, self.transport.abort)

    def _stop(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None
