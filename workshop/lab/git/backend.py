"""Runs `git http-backend` for one request: CGI, streamed both ways.

The request's body goes in while the answer comes out, so neither a large push nor a large clone is held in memory. A
body that stops arriving, one that is too large and a client that goes away end the process. What a push may change is
what Git's protocol can change, objects and refs; hooks and configuration are files of the server.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from starlette.types import Receive, Send

MAX_BODY = 512 * 1024 * 1024
"""Bytes of one push; data goes to the DVC remote and not through Git."""
IDLE_SECONDS = 20.0
"""A body that brings nothing for so long is given up."""
LONGEST_SECONDS = 600.0
MAX_HEADERS = 16 * 1024
CHUNK = 64 * 1024


class Refused(Exception):
    """A request is not carried out; `status` and the text are the answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


@dataclass(frozen=True)
class Call:
    """One request to a repository below `root`."""

    root: Path
    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    user: str
    """Who is logged in; nobody may not push."""


class Backends:
    """The processes that run, at most `limit` at a time; a request beyond that waits for one of them."""

    def __init__(self, env: Mapping[str, str], limit: int = 8) -> None:
        self._env = env
        self._slots = asyncio.Semaphore(limit)
        self._running: set[asyncio.subprocess.Process] = set()

    async def answer(self, call: Call, receive: Receive, send: Send) -> None:
        """Carry out a request and send the answer. Raises Refused while nothing is sent yet."""
        body = _body(receive)
        # The first part of the body comes before the process: a sender that never begins holds no slot.
        first = await anext(body, b"")
        async with self._slots:
            process = await asyncio.create_subprocess_exec(
                "git",
                "http-backend",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                env=_environment(call, self._env),
                start_new_session=True,
                limit=MAX_HEADERS,
            )
            self._running.add(process)
            feeding = asyncio.create_task(_feed(process, first, body))
            try:
                async with asyncio.timeout(LONGEST_SECONDS):
                    await _pass_on(process, feeding, send)
            finally:
                feeding.cancel()
                await asyncio.gather(feeding, return_exceptions=True)
                await _end(process)
                self._running.discard(process)

    async def close(self) -> None:
        """End what runs."""
        for process in list(self._running):
            await _end(process)


async def _pass_on(process: asyncio.subprocess.Process, feeding: asyncio.Task[None], send: Send) -> None:
    assert process.stdout is not None
    head = asyncio.create_task(_head(process.stdout))
    try:
        await asyncio.wait({head, feeding}, return_when=asyncio.FIRST_COMPLETED)
        if feeding.done() and (wrong := feeding.exception()) is not None:
            raise wrong
        status, headers = await head
    finally:
        head.cancel()
    await send({"type": "http.response.start", "status": status, "headers": headers})
    while chunk := await process.stdout.read(CHUNK):
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b""})
    await process.wait()


async def _head(out: asyncio.StreamReader) -> tuple[int, list[tuple[bytes, bytes]]]:
    """The CGI headers: a status and the rest. Raises Refused when there are none."""
    try:
        raw = await out.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError) as e:
        raise Refused(500, "git http-backend gave no answer; workshop logs lab says more") from e
    status, headers = 200, []
    for line in raw.split(b"\r\n"):
        name, separator, value = line.partition(b":")
        if name.lower() == b"status":
            status = int(value.split()[0])
        elif separator:
            headers.append((name.lower(), value.strip()))
    return status, headers


async def _feed(process: asyncio.subprocess.Process, first: bytes, body: AsyncIterator[bytes]) -> None:
    assert process.stdin is not None
    try:
        process.stdin.write(first)
        async for chunk in body:
            process.stdin.write(chunk)
            await process.stdin.drain()
    except (BrokenPipeError, ConnectionResetError):
        # The process has read what it needs and says so in its answer.
        return
    except RuntimeError:
        # So uvloop says of a process that has ended; any other RuntimeError is a fault of ours.
        if process.returncode is None:
            raise
    finally:
        with contextlib.suppress(OSError):
            process.stdin.close()


async def _body(receive: Receive) -> AsyncIterator[bytes]:
    """The request's body. Raises Refused when it stops or is too large."""
    size = 0
    while True:
        try:
            message = await asyncio.wait_for(receive(), IDLE_SECONDS)
        except TimeoutError as e:
            raise Refused(408, f"the request's body brought nothing for {IDLE_SECONDS:.0f} s") from e
        if message["type"] == "http.disconnect":
            raise Refused(400, "the client went away")
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size > MAX_BODY:
            raise Refused(413, f"a push has at most {MAX_BODY // 2**20} MiB; data versions go to DVC: dvc push")
        yield chunk
        if not message.get("more_body"):
            return


def _environment(call: Call, env: Mapping[str, str]) -> dict[str, str]:
    config = {
        "core.sharedRepository": "false",
        "gc.auto": "0",
        "http.receivepack": "true" if call.user else "false",
        "maintenance.auto": "false",
        "receive.fsckObjects": "true",
        "receive.maxInputSize": str(MAX_BODY),
        "safe.directory": "*",
    }
    made = {
        **{name: env[name] for name in ("PATH", "LANG", "LC_ALL", "TZ") if name in env},
        "HOME": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_COUNT": str(len(config)),
        "GIT_PROJECT_ROOT": str(call.root),
        "GIT_HTTP_EXPORT_ALL": "1",
        "PATH_INFO": call.path,
        "QUERY_STRING": call.query,
        "REQUEST_METHOD": call.method,
        "CONTENT_TYPE": call.headers.get("content-type", ""),
        "REMOTE_ADDR": "127.0.0.1",
        "SERVER_PROTOCOL": "HTTP/1.1",
    }
    for index, (key, value) in enumerate(config.items()):
        made[f"GIT_CONFIG_KEY_{index}"], made[f"GIT_CONFIG_VALUE_{index}"] = key, value
    for header, name in (
        ("content-length", "CONTENT_LENGTH"),
        ("content-encoding", "HTTP_CONTENT_ENCODING"),
        ("git-protocol", "GIT_PROTOCOL"),
    ):
        if header in call.headers:
            made[name] = call.headers[header]
    if call.user:
        made["REMOTE_USER"] = call.user
    return made


async def _end(process: asyncio.subprocess.Process) -> None:
    """End a process and what it has started."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    await process.wait()
