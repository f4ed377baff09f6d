"""Responses: JSON, Status objects, warnings, and streams that end when the client reads too slowly."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import orjson
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from workshop.lab.api_errors import ApiError

JSON = "application/json"
STALLED = 30.0
"""Seconds that a client may take to read one piece of a stream; then the stream ends."""


def json(value: Any, code: int = 200, *, media_type: str = JSON, warnings: tuple[str, ...] = ()) -> Response:
    """A value, or bytes that are JSON already, as a response."""
    content = value if isinstance(value, bytes) else orjson.dumps(value)
    response = Response(content, code, media_type=media_type)
    response.raw_headers += [(b"warning", _warning(text)) for text in warnings]
    return response


def _warning(text: str) -> bytes:
    """A Warning header: UTF-8 as Go writes it, without the characters that would end the header."""
    printable = "".join(one if one.isprintable() else " " for one in text)
    quoted = printable.replace("\\", "\\\\").replace('"', '\\"')
    return f'299 - "{quoted}"'.encode()


def failure(error: ApiError) -> Response:
    """An error as its `Status` object."""
    return json(error.status(), error.code)


def unknown_path(*warnings: str) -> Response:
    """The API server's response to a path that it does not serve."""
    response = Response("404 page not found\n", 404, media_type="text/plain")
    response.raw_headers += [(b"warning", _warning(text)) for text in warnings]
    return response


class Stream:
    """A response of unknown length: a watch, or the log of a running container.

    The source is closed when the client disconnects, and when the client reads nothing for STALLED seconds. A client
    that never reads occupies one connection and nothing else.
    """

    def __init__(self, chunks: AsyncGenerator[bytes], media_type: str = JSON) -> None:
        self._chunks = chunks
        self._media_type = media_type

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-type", self._media_type.encode()), (b"cache-control", b"no-cache, private")]
        pump = asyncio.create_task(self._pump(send, headers))
        gone = asyncio.create_task(_disconnected(receive))
        try:
            await asyncio.wait({pump, gone}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (pump, gone):
                task.cancel()
            results = await asyncio.gather(pump, gone, return_exceptions=True)
            await self._chunks.aclose()
        # A slow client is no error of the lab. uvicorn closes the connection and logs one line.
        if isinstance(results[0], Exception) and not isinstance(results[0], TimeoutError):
            raise results[0]

    async def _pump(self, send: Send, headers: list[tuple[bytes, bytes]]) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        async for chunk in self._chunks:
            async with asyncio.timeout(STALLED):
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
