"""Asks a sidecar whether it is ready, as the kubelet does: by a command, a request or a connection."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from workshop.manifests.core import HTTPGetAction, Probe

Run = Callable[[list[str]], Awaitable[int]]
"""Runs a command in the container."""
POLL_SECONDS = 0.1
"""The kubelet rounds to whole seconds (periodSeconds); nobody on a laptop gains from that."""


async def ready(probe: Probe, run: Run) -> None:
    """Wait until the probe succeeds. It never gives up: the run's timeout does."""
    if probe.initial_delay_seconds:
        await asyncio.sleep(min(probe.initial_delay_seconds, POLL_SECONDS))
    needed = probe.success_threshold or 1
    while needed > 0:
        needed = needed - 1 if await _once(probe, run) else (probe.success_threshold or 1)
        if needed > 0:
            await asyncio.sleep(POLL_SECONDS)


async def _once(probe: Probe, run: Run) -> bool:
    try:
        async with asyncio.timeout(probe.timeout_seconds or 1):
            if probe.exec:
                return await run(list(probe.exec.command or [])) == 0
            if probe.http_get:
                return await _http(probe.http_get)
            if probe.tcp_socket:
                return await _tcp(probe.tcp_socket.host or "127.0.0.1", int(probe.tcp_socket.port))
            return True
    except (OSError, TimeoutError, ValueError):
        return False


async def _tcp(host: str, port: int) -> bool:
    _, writer = await asyncio.open_connection(host, port)
    writer.close()
    return True


async def _http(action: HTTPGetAction) -> bool:
    host = action.host or "127.0.0.1"
    reader, writer = await asyncio.open_connection(host, int(action.port))
    try:
        path = "/" + (action.path or "/").lstrip("/")
        writer.write(f"GET {path} HTTP/1.0\r\nHost: {host}\r\nUser-Agent: kube-probe\r\n\r\n".encode())
        status = (await reader.readline()).split()
        return len(status) > 1 and 200 <= int(status[1]) < 400
    finally:
        writer.close()
