"""Sends requests to a server as fast as it answers: wrk where it is installed, else a small client of our own.

The generator runs on the same machine, so it must be light: wrk takes 4 us a request, the own client 40 us.
"""

from __future__ import annotations

import asyncio
import http.client
import math
import re
import resource
import shutil
import statistics
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import httptools
import psutil

LUA = """
wrk.method = "POST"
wrk.headers["content-type"] = "application/json"
local file = io.open(os.getenv("BENCH_BODY")); wrk.body = file:read("*a"); file:close()
done = function(summary, latency, requests)
  io.write(string.format("figures %d %d %d %d %d\\n", summary.requests, summary.duration,
    summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.write
    + summary.errors.timeout, latency:percentile(50), latency:percentile(99)))
end
"""


@dataclass(frozen=True)
class Figures:
    """Requests a second, milliseconds of half and of 99 of 100 requests, and how many failed."""

    rate: float
    p50_ms: float
    p99_ms: float
    failed: int


def busy_seconds() -> float:
    """CPU seconds that all processors of the machine have computed, for any program and for other virtual machines."""
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - getattr(times, "iowait", 0.0) - getattr(times, "guest", 0.0))


def generator_seconds() -> float:
    """CPU seconds of this process and of the load generators that have ended."""
    return sum(
        used.ru_utime + used.ru_stime
        for used in (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def share_of_others(busy: float, own: float, seconds: float, processors: int) -> float:
    """The share of all processors that others used, when `own` of `busy` CPU seconds were the measurement's."""
    return max(0.0, busy - own) / (seconds * processors)


def press(url: str, body: Path, seconds: float, connections: int = 16) -> Figures:
    """All connections ask again as soon as they are answered."""
    if shutil.which("wrk"):
        return _wrk(url, body, seconds, connections)
    return asyncio.run(_own(url, body.read_bytes(), seconds, connections))


def _wrk(url: str, body: Path, seconds: float, connections: int) -> Figures:
    script = body.with_suffix(".lua")
    script.write_text(LUA)
    words = ["wrk", "-t1", f"-c{connections}", f"-d{seconds:.0f}s", "--timeout", "10s", "-s", str(script), url]
    done = subprocess.run(words, env={"BENCH_BODY": str(body)}, capture_output=True, text=True, check=True)
    found = re.search(r"figures (\d+) (\d+) (\d+) (\d+) (\d+)", done.stdout)
    if found is None:
        raise RuntimeError(f"wrk said: {done.stdout}{done.stderr}")
    requests, micros, failed, p50, p99 = map(int, found.groups())
    return Figures(requests / micros * 1e6, p50 / 1000, p99 / 1000, failed)


class _Client(asyncio.Protocol):
    """Sends one request after the other on one connection until `until`, or until the server closes the connection."""

    def __init__(self, request: bytes, until: float, took: list[float]) -> None:
        self.request, self.until, self.took = request, until, took
        self.failed = 0
        self.ended = asyncio.get_running_loop().create_future()
        self.waits = False
        self.parser = httptools.HttpResponseParser(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.ask()

    def ask(self) -> None:
        self.asked, self.waits = time.perf_counter(), True
        self.transport.write(self.request)  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_message_complete(self) -> None:
        now = time.perf_counter()
        self.took.append(now - self.asked)
        self.waits = False
        self.failed += self.parser.get_status_code() != 200
        if now < self.until and self.parser.should_keep_alive():
            self.ask()
        else:
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self.failed += self.waits
        self.ended.set_result(None)


async def _own(url: str, body: bytes, seconds: float, connections: int) -> Figures:
    host, _, path = url.removeprefix("http://").partition("/")
    head = f"POST /{path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"
    request = head.encode() + b"\r\n\r\n" + body
    took: list[float] = []
    until = time.perf_counter() + seconds
    name, _, port = host.partition(":")
    failed = sum(
        await asyncio.gather(*(_one_caller(name, int(port), request, until, took) for _ in range(connections)))
    )
    if not took:
        return Figures(0.0, math.nan, math.nan, failed)
    took.sort()
    milliseconds = [1000 * took[int(len(took) * share)] for share in (0.5, 0.99)]
    return Figures(len(took) / seconds, milliseconds[0], milliseconds[1], failed)


async def _one_caller(name: str, port: int, request: bytes, until: float, took: list[float]) -> int:
    """Connect again whenever the server closes the connection, as wrk does; returns how many requests failed."""
    failed = 0
    while time.perf_counter() < until:
        client = _Client(request, until, took)
        try:
            await asyncio.get_running_loop().create_connection(lambda client=client: client, name, port)  # type: ignore[misc]
        except OSError:
            failed += 1
            await asyncio.sleep(0)
            continue
        await client.ended
        failed += client.failed
    return failed


def one_by_one(url: str, body: bytes, seconds: float) -> float:
    """The median milliseconds of one request after the other on one connection. Raises RuntimeError for a non-200."""
    host, _, path = url.removeprefix("http://").partition("/")
    connection = http.client.HTTPConnection(host, timeout=30)
    took: list[float] = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(took) < 5:
        began = time.perf_counter()
        connection.request("POST", "/" + path, body, {"content-type": "application/json"})
        answer = connection.getresponse()
        text = answer.read()
        took.append(1000 * (time.perf_counter() - began))
        if answer.status != 200:
            raise RuntimeError(f"{url} answered {answer.status}: {text[:300]!r}")
    connection.close()
    return statistics.median(took)
