"""The WebSocket between a page's terminal and a shell.

The gate of all pages has checked cookie, Host and Origin. The shell's output is sent as binary messages. The page sends
JSON text: one of `Type`, `Resize` and `Drawn`. The first message to the page is JSON, too: the number of bytes of
earlier output that follow, so that the page does not answer terminal queries in old output. Any other message from the
page ends the connection, not the shell.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

import msgspec
from starlette.routing import BaseRoute, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from workshop.lab.pages.terminal.shell import ENDED, Shell, Viewer
from workshop.lab.pages.terminal.shells import Shells
from workshop.lab.runtimes.process.launcher import LaunchFailed

WEBSOCKETS: dict[str, Any] = {"ws_max_size": 64 * 1024, "ws_per_message_deflate": False}
"""Settings of the uvicorn server that carries the WebSockets: no larger messages, no compression."""
NORMAL, REFUSED, TRY_AGAIN = 1000, 1008, 1013
"""Close codes of RFC 6455, 7.4.1 and of the IANA registry."""
DROPPED = 4000
"""The close code of a dropped page. The reason says why, and the page may attach again."""


class Type(msgspec.Struct, tag="type", forbid_unknown_fields=True):
    """Pressed keys or pasted text."""

    text: str


class Resize(msgspec.Struct, tag="resize", forbid_unknown_fields=True):
    """The new size of the page's terminal."""

    rows: int
    columns: int


class Drawn(msgspec.Struct, tag="drawn", forbid_unknown_fields=True):
    """The page has drawn this many more bytes of output."""

    bytes: int


_DECODER = msgspec.json.Decoder(Type | Resize | Drawn, strict=True)


def terminal_routes(shells: Shells) -> list[BaseRoute]:
    """One route: `/guide/terminal/<number>`."""

    async def attach(socket: WebSocket) -> None:
        try:
            shell = await shells.shell(socket.path_params["number"])
        except KeyError:
            await socket.close(REFUSED, "there is no such terminal")
            return
        except LaunchFailed as e:
            await socket.accept()
            await socket.close(TRY_AGAIN, str(e)[:120])
            return
        await socket.accept()
        viewer = shell.attach()
        try:
            await _carry(socket, shell, viewer)
        finally:
            shell.detach(viewer)

    return [WebSocketRoute("/guide/terminal/{number:int}", attach)]


async def _carry(socket: WebSocket, shell: Shell, viewer: Viewer) -> None:
    """Forward both directions until one of them ends."""
    both = {asyncio.create_task(_send(socket, viewer)), asyncio.create_task(_receive(socket, shell, viewer))}
    try:
        done, _ = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in both:
            task.cancel()
        await asyncio.gather(*both, return_exceptions=True)
    for task in done:
        if not task.cancelled():
            task.result()


async def _send(socket: WebSocket, viewer: Viewer) -> None:
    try:
        await socket.send_text(json.dumps({"earlier": viewer.lag}))
        while data := await viewer.output():
            await socket.send_bytes(data)
        if viewer.dropped == ENDED:
            await socket.close(NORMAL, "the shell has ended")
        else:
            await socket.close(DROPPED, viewer.dropped)
    except WebSocketDisconnect:
        return


async def _receive(socket: WebSocket, shell: Shell, viewer: Viewer) -> None:
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            return
        try:
            said = _DECODER.decode(message.get("text") or b"")
            if isinstance(said, Type):
                shell.type(said.text)
            elif isinstance(said, Resize):
                shell.resize(said.rows, said.columns)
            else:
                shell.acknowledge(viewer, said.bytes)
        except ValueError as e:
            # msgspec's errors are ValueErrors, too.
            await socket.close(REFUSED, str(e)[:120])
            return
