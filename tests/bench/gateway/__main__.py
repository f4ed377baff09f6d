"""The cost of a request through the lab's gateway, compared with a direct request to a server of an empty answer.

python -m tests.bench.gateway [SECONDS]

The ratio of the rates depends on how many cores server, gateway and generator have; the CPU time of the gateway's
thread for each request depends on the machine alone.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import httpx

from tests.bench.serving.load import press
from workshop.lab.gateway import serve
from workshop.lab.paths import KIT
from workshop.lab.ports import reserve
from workshop.lab.routes import Backend, Routes, Target


def main() -> int:
    """Print the figures as one JSON object."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 10.0
    held = reserve()
    port = held.number
    upstream = subprocess.Popen([sys.executable, "-m", "tests.bench.serving.bare", "uvicorn", str(port)], cwd=KIT)
    try:
        _until(f"http://127.0.0.1:{port}/")
        print(json.dumps(_measure(port, seconds)))
    finally:
        upstream.terminate()
        upstream.wait()
        held.close()
    return 0


def _measure(port: int, seconds: float) -> dict[str, float]:
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
    return {
        "direct_per_second": round(direct.rate),
        "through_per_second": round(through.rate),
        "ratio": round(through.rate / direct.rate, 2),
        "cpu_ms_a_request": round(1000 * spent / (through.rate * seconds), 3),
        "p50_ms": through.p50_ms,
        "p99_ms": through.p99_ms,
        "failed": through.failed,
    }


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


if __name__ == "__main__":
    sys.exit(main())
