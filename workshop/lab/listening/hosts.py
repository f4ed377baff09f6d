"""Accepts requests for loopback names only.

A web page can let its own name resolve to 127.0.0.1 and then read the responses of a port (DNS rebinding). Its requests
have that name in the Host header.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

LOOPBACK = frozenset(("127.0.0.1", "localhost", "::1"))


class LoopbackHosts:
    """ASGI middleware that answers 403 to HTTP requests for other hosts."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == "http":
            host = next((value for name, value in scope["headers"] if name == b"host"), b"").decode("latin-1")
            if host_name(host) not in LOOPBACK:
                message = "the Host header is not a loopback name; use http://127.0.0.1:<port>\n"
                await PlainTextResponse(message, 403)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def host_name(host: str) -> str:
    """The name in a Host header, in lower case and without its port; empty when it cannot be parsed."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
