"""Says so when a program's disk is full: its failed answers become 507 Insufficient Storage with the reason.

MLflow answers 503 or a page without a reason then, and its client repeats such requests and shows neither. After a
failed answer, a byte is written to the folder. What the operating system refuses is the reason.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from pathlib import Path

from starlette.types import ASGIApp, Message, Receive, Scope, Send

STATUS = 507
"""Insufficient Storage, RFC 4918 section 11.5. MLflow's client does not repeat it."""


class Storage:
    """ASGI middleware for a program that stores in `folder`."""

    def __init__(self, app: ASGIApp, folder: Path) -> None:
        self._app, self._folder = app, folder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass answers on; replace one of 500 or more when the folder takes no more bytes."""
        replaced = False

        async def checked(message: Message) -> None:
            nonlocal replaced
            if message["type"] == "http.response.start" and message["status"] >= 500:
                why = await asyncio.to_thread(refusal, self._folder)
                replaced = bool(why)
                if why:
                    await _answer(send, why)
            if not replaced:
                await send(message)

        await self._app(scope, receive, checked if scope["type"] == "http" else send)


def refusal(folder: Path) -> str:
    """Why the folder takes no more bytes, in the operating system's words; empty when it takes them."""
    try:
        with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
            file.write(b"\0")
    except OSError as e:
        return f"[Errno {e.errno}] {e.strerror}"
    return ""


async def _answer(send: Send, why: str) -> None:
    body = json.dumps({"error_code": "RESOURCE_EXHAUSTED", "message": f"the disk is full: {why}"}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": STATUS, "headers": headers})
    await send({"type": "http.response.body", "body": body})
