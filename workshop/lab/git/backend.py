"""Runs `git http-backend` (CGI) for one request and streams both bodies.

The request body is sent while the response is read, so neither a large push nor a large clone is kept in memory. The
process ends when a body is too large, when the client disconnects, and when the client stops reading. A push can change
only objects and refs, as in Git's protocol. Hooks and configuration are files of the server.
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
"""Maximum bytes of one push; data goes to the DVC remote and not through Git."""
MAX_FETCH_BODY = 1024 * 1024
"""Maximum bytes of a fetch request: a list of commits."""
PUSH_SECONDS = 600.0
FETCH_SECONDS = 120.0
"""Time limit of one request, until the client has the whole response."""
SEND_SECONDS = 20.0
"""Time limit for sending one part of a response. A client that reads nothing for this time is disconnected."""
MAX_HEADERS = 16 * 1024
CHUNK = 64 * 1024


class Refused(Exception):
    """A request is refused with `status` and a text."""

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
    """The authenticated user; empty for an anonymous request, which may not push."""
    push: bool = False


class Backends:
    """Runs at most `fetches` anonymous requests and `pushes` pushes at a time.

    A further request waits until one of its kind ends. Pushes need the token, so anonymous clients cannot delay them.
    """

    def __init__(self, env: Mapping[str, str], fetches: int = 8, pushes: int = 4) -> None:
        self._env = env
        self._fetches, self._pushes = asyncio.Semaphore(fetches), asyncio.Semaphore(pushes)
        self._running: set[asyncio.subprocess.Process] = set()

    async def answer(self, call: Call, receive: Receive, send: Send) -> None:
        """Run a request and send the response. Raises Refused if nothing was sent yet."""
        body = body_of(receive, MAX_BODY if call.push else MAX_FETCH_BODY)
        # Acquire the semaphore after the whole body of a fetch or the first part of a push,
        # so that a slow sender does not block others.
        first = await anext(body, b"") if call.push else b"".join([part async for part in body])
        async with self._pushes if call.push else self._fetches:
            try:
                async with asyncio.timeout(PUSH_SECONDS if call.push else FETCH_SECONDS):
                    await self._run(call, first, body, send)
            except TimeoutError as e:
                raise Refused(408, "the request took too long") from e

    async def _run(self, call: Call, first: bytes, body: AsyncIterator[bytes], send: Send) -> None:
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
            await _pass_on(process, feeding, send)
        finally:
            feeding.cancel()
            await asyncio.gather(feeding, return_exceptions=True)
            await _end(process)
            self._running.discard(process)

    async def close(self) -> None:
        """End all processes."""
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
        async with asyncio.timeout(SEND_SECONDS):
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b""})
    await process.wait()


async def _head(out: asyncio.StreamReader) -> tuple[int, list[tuple[bytes, bytes]]]:
    """The CGI headers: the status and the others. Raises Refused when there are none."""
    try:
        raw = await out.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError) as e:
        raise Refused(500, "git http-backend gave no answer; see: workshop logs lab") from e
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
        # The process has read enough and has ended. Its response gives the result.
        return
    except RuntimeError:
        # uvloop raises this when the process has ended. Any other RuntimeError is a bug.
        if process.returncode is None:
            raise
    finally:
        with contextlib.suppress(OSError):
            process.stdin.close()


async def body_of(receive: Receive, limit: int) -> AsyncIterator[bytes]:
    """The request's body, in parts. The listener ends a body that is overdue. Raises Refused when it is too large."""
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refused(400, "the client went away")
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            raise Refused(413, f"a request has at most {limit // 2**20} MiB; data versions go to DVC: dvc push")
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
    """End a process and its children."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    await process.wait()
