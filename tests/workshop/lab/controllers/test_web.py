"""Requests to servers of others: a redirect gets the caller's headers only on the same server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from workshop.lab.controllers.web import NotFound, WebError, get

TOKEN = {"PRIVATE-TOKEN": "s3cret"}


@asynccontextmanager
async def serving(places: Mapping[str, str]) -> AsyncIterator[tuple[str, list[tuple[str, str]]]]:
    """A server that redirects each path of `places`, and answers others; its address, and each path with its token."""
    asked = []

    async def answer(request: web.Request) -> web.StreamResponse:
        asked.append((request.path, request.headers.get("PRIVATE-TOKEN", "")))
        if place := places.get(request.path):
            return web.Response(status=302, headers={"Location": place})
        return web.Response(text="here")

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}", asked
    finally:
        await runner.cleanup()


def test_another_server_gets_no_token() -> None:
    async def run() -> None:
        async with serving({}) as (other, seen), serving({"/a": "/b", "/b": f"{other}/c"}) as (first, asked):
            assert await get(f"{first}/a", "asking", TOKEN) == b"here"
            assert asked == [("/a", "s3cret"), ("/b", "s3cret")]
            assert seen == [("/c", "")]

    asyncio.run(run())


def test_a_circle_of_redirects_ends() -> None:
    async def run() -> None:
        async with serving({"/a": "/b", "/b": "/a"}) as (first, asked):
            with pytest.raises(WebError, match=r"asking: .*stopped after 10 redirects"):
                await get(f"{first}/a", "asking")
            assert len(asked) == 10

    asyncio.run(run())


@pytest.mark.parametrize("place", ["file:///etc/passwd", "http://", "mailto:a@example.com"])
def test_a_redirect_to_no_web_server_is_an_error(place: str) -> None:
    async def run() -> None:
        async with serving({"/a": place}) as (first, _):
            with pytest.raises((WebError, NotFound)):
                await get(f"{first}/a", "asking")

    asyncio.run(run())
