"""The cost of a request through the lab's gateway, compared with a direct request to a server of an empty answer.

The ratio of the rates depends on how many cores server, gateway and generator have; the CPU time of the gateway's
thread for each request depends on the machine alone.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

from tests.bench.figures import KIT, Figure
from tests.bench.load import Others
from tests.bench.serving.load import Figures, press
from workshop.lab.gateway import serve
from workshop.lab.ports import reserve
from workshop.lab.routes import Backend, Routes, Target

SECONDS = 10.0


def measure() -> Iterator[Figure]:
    """The figures."""
    held = reserve()
    port, others = held.number, Others()
    upstream = subprocess.Popen([sys.executable, "-m", "tests.bench.serving.bare", "uvicorn", str(port)], cwd=KIT)
    try:
        _until(f"http://127.0.0.1:{port}/")
        direct, through, cpu = _measure(port, SECONDS)
    finally:
        upstream.terminate()
        upstream.wait()
        held.close()
    load = others.share()
    yield Figure("an empty answer without the gateway", direct.rate, "requests/s", load)
    yield Figure("the same through it", through.rate, "requests/s", load)
    yield Figure("half of the requests through it within", through.p50_ms, "ms", load)
    yield Figure("99 of 100 requests within", through.p99_ms, "ms", load)
    yield Figure("processor time of the gateway for a request", cpu, "ms", load)


def _measure(port: int, seconds: float) -> tuple[Figures, Figures, float]:
    routes = Routes()
    routes.set("n", "d", (Target("main", "d-main", (Backend("pod", port),)),))
    listening = _socket()
    server = serve(routes, listening)
    url = f"http://127.0.0.1:{listening.getsockname()[1]}/seldon/n/d/api/v1.0/predictions"
    _until(url)
    with tempfile.TemporaryDirectory() as folder:
        body = Path(folder) / "body.json"
        body.write_bytes((KIT / "seldon/requests/flight.json").read_bytes())
        direct = press(f"http://127.0.0.1:{port}/", body, seconds)
        # The generator is a process of its own where wrk is installed, so this process's time is the gateway's.
        before = time.process_time()
        through = press(url, body, seconds)
        spent = time.process_time() - before
    server.should_exit = True
    for thread in threading.enumerate():
        if thread.name == "gateway":
            thread.join(10)
    assert not direct.failed + through.failed, f"{direct.failed} and {through.failed} requests failed"
    return direct, through, 1000 * spent / (through.rate * seconds)


def _socket() -> socket.socket:
    # Named, so that asyncio knows TCP and sends at once.
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    made.bind(("127.0.0.1", 0))
    return made


def _until(url: str) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            httpx.post(url, json={})
        except httpx.HTTPError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError(f"{url} does not answer")
