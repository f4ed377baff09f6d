"""`workshop cohort provision` against the lab's API server: how the cost of a room grows with its participants.

The figures of a real API server are those of `python -m tests.bench.cohort --kubeconfig FILE`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.bench.figures import KIT, Figure
from tests.bench.load import Others

USERS = (1, 10, 100, 1000)
SERVER = """
import signal, sys
from pathlib import Path
from tests.workshop.lab.serving import Lab

lab = Lab(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.read()
lab.stop()
"""


def measure() -> Iterator[Figure]:
    """The figures, room by room; each room on a server of its own."""
    for count in USERS:
        with tempfile.TemporaryDirectory() as folder:
            # A process of its own, as a lab is: server and command would share one interpreter otherwise.
            command = [sys.executable, "-c", SERVER, folder]
            with subprocess.Popen(command, cwd=KIT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
                assert server.stdout is not None and server.stdin is not None
                server.stdout.readline()
                try:
                    yield from _room(Path(folder) / "kubeconfig", Path(folder), count)
                finally:
                    server.stdin.close()


def _room(kubeconfig: Path, folder: Path, count: int) -> Iterator[Figure]:
    words = ["--users", str(count), "--prefix", "bench", "--sheet", str(folder / "sheet")]
    others = Others()
    first = _run(kubeconfig, "provision", *words)
    load = others.share()
    yield Figure("the first time", first["seconds"], "s", load, count)
    yield Figure("a participant", 1000 * first["seconds"] / count, "ms", load, count)
    yield Figure("objects", first["written"], "objects", load, count)
    yield Figure("memory of the command", first["memory"], "MiB", load, count)
    others = Others()
    again = _run(kubeconfig, "provision", *words)
    assert not again["written"], f"{again['written']} objects were written again"
    yield Figure("again, nothing to write", again["seconds"], "s", others.share(), count)


def _run(kubeconfig: Path, action: str, *words: str) -> dict[str, Any]:
    """The last event of a command, its seconds, and its largest memory in MiB. Raises CalledProcessError."""
    command = [sys.executable, "-m", "workshop", "cohort", action, "--kubeconfig", str(kubeconfig), "-o", "json"]
    began = time.perf_counter()
    with subprocess.Popen([*command, *words], cwd=KIT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        last = "{}"
        for line in process.stdout:
            last = line
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return {**json.loads(last), "seconds": time.perf_counter() - began, "memory": used.ru_maxrss / 1024}
