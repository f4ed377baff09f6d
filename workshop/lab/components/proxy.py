"""Forwards requests of one port to a program that listens at a private address.

It forwards HTTP/1.1 requests and responses in parts. It does not forward WebSockets, trailers and upgrades.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from http.cookies import CookieError, SimpleCookie

import aiohttp
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send
from yarl import URL

from workshop.lab.components.process import Address

ANSWER_SECONDS = 150.0
"""Seconds without a byte of the response. Prometheus ends a query after two minutes."""
CONNECT_SECONDS = 2.0
_OF_A_CONNECTION = frozenset(
    (b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade")
)
"""Headers for one connection only (RFC 9110, 7.6.1)."""
_OF_A_RESPONSE = _OF_A_CONNECTION | {b"date"}
"""The lab's server writes the date."""
_OF_THE_LAB = frozenset((b"authorization", b"cookie"))
"""They contain the lab's token and the cookies of all ports of 127.0.0.1, so no program gets them."""


class Proxy:
    """ASGI application. `find` gives the program's address, or None while it is not ready.

    `name` is the component in messages. The program gets the cookies whose names start with one of `cookies`.
    """

    def __init__(self, name: str, find: Callable[[], Address | None], cookies: Iterable[str] = ()) -> None:
        self._name, self._find, self._cookies = name, find, tuple(cookies)
        self._session: aiohttp.ClientSession | None = None
        self._of: Address | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Forward one request. 503 while the program is not ready, 502 when it does not answer."""
        address = self._find()
        if address is None:
            await self._fail(503, f"{self._name} is not ready; see: workshop status")(scope, receive, send)
            return
        query = scope["query_string"].decode("latin-1")
        path = scope["raw_path"].decode("latin-1")
        url = URL(f"{address.url}{path}?{query}" if query else f"{address.url}{path}", encoded=True)
        started = False
        try:
            async with (await self._to(address)).request(
                scope["method"],
                url,
                headers=self._passed(scope, address),
                data=_parts(receive) if _has_body(scope) else None,
                allow_redirects=False,
                skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
            ) as answer:
                headers = [(k.lower(), v) for k, v in answer.raw_headers if k.lower() not in _OF_A_RESPONSE]
                await send({"type": "http.response.start", "status": answer.status, "headers": headers})
                started = True
                async for part in answer.content.iter_any():
                    await send({"type": "http.response.body", "body": part, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        except (OSError, TimeoutError, ValueError, aiohttp.ClientError) as e:
            if started:
                # The server ends the connection, so the client sees that the response is incomplete.
                raise
            await self._fail(502, f"{self._name} does not answer: {e}; see: workshop logs {self._name}")(
                scope, receive, send
            )

    async def close(self) -> None:
        """Close the connections to the program."""
        if self._session is not None:
            await self._session.close()

    async def _to(self, address: Address) -> aiohttp.ClientSession:
        if self._session is None or self._of != address:
            await self.close()
            self._of = address
            self._session = aiohttp.ClientSession(
                connector=aiohttp.UnixConnector(str(address.socket)) if address.socket else None,
                timeout=aiohttp.ClientTimeout(total=None, connect=CONNECT_SECONDS, sock_read=ANSWER_SECONDS),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
            )
        return self._session

    def _passed(self, scope: Scope, address: Address) -> list[tuple[str, str]]:
        """The request's headers for the program."""
        kept = [
            (name.decode("latin-1"), value.decode("latin-1"))
            for name, value in scope["headers"]
            if name not in _OF_A_CONNECTION and name not in _OF_THE_LAB
        ]
        cookies = [value.decode("latin-1") for name, value in scope["headers"] if name == b"cookie"]
        own = "; ".join(self._own_cookies("; ".join(cookies)))
        return [*kept, *address.headers.items(), *([("cookie", own)] if own else [])]

    def _own_cookies(self, given: str) -> list[str]:
        try:
            found = SimpleCookie(given)
        except CookieError:
            return []
        return [f"{name}={one.coded_value}" for name, one in found.items() if name.startswith(self._cookies)]

    def _fail(self, status: int, message: str) -> JSONResponse:
        return JSONResponse({"error": message}, status_code=status)


def _has_body(scope: Scope) -> bool:
    return any(name in (b"content-length", b"transfer-encoding") for name, _ in scope["headers"])


async def _parts(receive: Receive) -> AsyncIterator[bytes]:
    """The request's body. Raises ConnectionError when the client ends before it is complete."""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionResetError("the client closed the connection")
        yield message.get("body", b"")
        if not message.get("more_body"):
            return
