"""The answers: JSON, Status objects, warnings, and streams that end when their reader is too slow."""

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
"""Seconds that a reader may take for one piece of a stream; then the stream ends."""


def json(value: Any, code: int = 200, *, media_type: str = JSON, warnings: tuple[str, ...] = ()) -> Response:
    """A value, or bytes that are JSON already, as an answer."""
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


def unknown_path() -> Response:
    """What the API server says of a path that it does not have."""
    return Response("404 page not found\n", 404, media_type="text/plain")


class Stream:
    """An answer whose end is not known: a watch, or the log of a container that still runs.

    The source is closed when the client goes away and when it does not read for STALLED seconds, so that a client
    that never reads holds one connection and nothing else.
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
        # A client that does not read is no fault of the lab's: uvicorn closes its connection, with a line in the log.
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
