"""Probes of a container: by a command, an HTTP request or a TCP connection, as a kubelet does them."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping

from workshop.manifests.kubernetes import HTTPGetAction, Probe

Run = Callable[[list[str]], Awaitable[int]]
"""Runs a command in the container; its exit code."""
Ports = Callable[[int | str], int]
"""This machine's port for a port that a probe gives by number or name. Raises ValueError for an unknown name."""
POLL_SECONDS = 0.1
"""The kubelet waits whole seconds (periodSeconds); on a laptop shorter waits cost nothing."""
TIMEOUT_SECONDS = 1.0
"""The default of timeoutSeconds."""
LATE_SECONDS, ATTEMPTS = 0.1, 5
"""So late is a timeout only when this process stood still meanwhile; so often is a probe made then."""
STARTING_SECONDS = 5.0
"""What the start of a command may take in addition: on a busy machine podman needs a second to enter a container."""


def named(ports: Mapping[str, int]) -> Ports:
    """Ports of a container that listens on them itself."""
    return lambda port: ports[port] if isinstance(port, str) and port in ports else int(port)


async def until_ready(probe: Probe, run: Run, ports: Ports = int) -> None:
    """Wait until the probe succeeds successThreshold times. It has no limit; the run's timeout is the limit."""
    if probe.initial_delay_seconds:
        await asyncio.sleep(min(probe.initial_delay_seconds, POLL_SECONDS))
    needed = probe.success_threshold or 1
    while needed > 0:
        needed = needed - 1 if await succeeds(probe, run=run, ports=ports) else (probe.success_threshold or 1)
        if needed > 0:
            await asyncio.sleep(POLL_SECONDS)


async def succeeds(probe: Probe, *, run: Run | None = None, ports: Ports = int) -> bool:
    """Probe once. `run` is needed for `exec`.

    The kubelet shares a thread with the store: when the disk stands still, a timeout ends before an
    answer that came in time is read. A probe whose timeout comes late shows nothing, and is made again.
    """
    seconds = (probe.timeout_seconds or TIMEOUT_SECONDS) + (STARTING_SECONDS if probe.exec else 0)
    loop = asyncio.get_running_loop()
    for _ in range(ATTEMPTS):
        due = loop.time() + seconds
        try:
            async with asyncio.timeout_at(due):
                return await _succeeds(probe, run, ports)
        except TimeoutError:
            if loop.time() - due < LATE_SECONDS:
                return False
        except (OSError, ValueError):
            return False
    return False


async def _succeeds(probe: Probe, run: Run | None, ports: Ports) -> bool:
    if probe.exec and run:
        return await run(list(probe.exec.command or [])) == 0
    if probe.http_get:
        return await _http(probe.http_get, ports(probe.http_get.port))
    if probe.tcp_socket:
        return await _tcp(probe.tcp_socket.host or "127.0.0.1", ports(probe.tcp_socket.port))
    return True


async def _tcp(host: str, port: int) -> bool:
    _, writer = await asyncio.open_connection(host, port)
    writer.close()
    return True


async def _http(action: HTTPGetAction, port: int) -> bool:
    host = action.host or "127.0.0.1"
    headers = {"Host": host, "User-Agent": "kube-probe", "Connection": "close"}
    headers |= {header.name: header.value for header in action.http_headers or []}
    request = f"GET /{(action.path or '/').lstrip('/')} HTTP/1.0"
    lines = [request, *(f"{name}: {value}" for name, value in headers.items())]
    reader, writer = await asyncio.open_connection(host, port, ssl=_tls() if action.scheme == "HTTPS" else None)
    try:
        writer.write("\r\n".join([*lines, "", ""]).encode())
        status = (await reader.readline()).split()
        return len(status) > 1 and 200 <= int(status[1]) < 400
    finally:
        writer.close()


def _tls() -> ssl.SSLContext:
    """A kubelet does not check the certificate (kubernetes.io, "HTTP probes")."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
