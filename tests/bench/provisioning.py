"""`workshop cohort provision` against the lab's API server: how the cost of a room grows with its participants.

The figures of a real API server are those of `python -m tests.bench.cohort --kubeconfig FILE`.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.bench.figures import KIT, Figure
from tests.bench.load import Others
from workshop.cohort.names import MOST

USERS = (1, 10, 100, 1000)
LOOK = 0.05
_LARGEST = re.compile(r"VmHWM:\s+(\d+) kB")
SERVER = """
import sys
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
    others, first = Others(), _rooms(kubeconfig, folder, count)
    load, seconds = others.share(), sum(one["seconds"] for one in first)
    yield Figure("the first time", seconds, "s", load, count)
    yield Figure("a participant", 1000 * seconds / count, "ms", load, count)
    yield Figure("objects", sum(one["written"] for one in first), "objects", load, count)
    yield Figure("memory of the command", max(one["memory"] for one in first), "MiB", load, count)
    others, again = Others(), _rooms(kubeconfig, folder, count)
    assert not any(one["written"] for one in again), "objects were written again"
    yield Figure("again, nothing to write", sum(one["seconds"] for one in again), "s", others.share(), count)


def _rooms(kubeconfig: Path, folder: Path, count: int) -> list[dict[str, Any]]:
    """Provision as many cohorts as so many participants need, one after another: one has at most MOST."""
    done = []
    for number, first in enumerate(range(0, count, MOST)):
        room = ["--cohort", f"bench{number}", "--prefix", f"bench{number}-", "--sheet", str(folder / f"sheet{number}")]
        users = str(min(MOST, count - first))
        done.append(_run(kubeconfig, "provision", *room, "--users", users))
    return done


def _run(kubeconfig: Path, action: str, *words: str) -> dict[str, Any]:
    """The last event of a command, its seconds, and its largest memory in MiB. Raises CalledProcessError."""
    command = [sys.executable, "-m", "workshop", "cohort", action, "--kubeconfig", str(kubeconfig), "-o", "json"]
    began = time.perf_counter()
    with subprocess.Popen([*command, *words], cwd=KIT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        memory: list[float] = [0]
        watching = threading.Thread(target=_watch, args=(process.pid, memory))
        watching.start()
        last = "{}"
        for line in process.stdout:
            last = line
        watching.join()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return {**json.loads(last), "seconds": time.perf_counter() - began, "memory": max(memory)}


def _watch(pid: int, memory: list[float]) -> None:
    """Keep the largest resident set of a process in MiB, read every LOOK seconds until it has ended.

    wait4 would count the memory of this process too: the child has it until it executes its program.
    """
    while found := _LARGEST.search(Path(f"/proc/{pid}/status").read_text()):
        memory[:] = [int(found[1]) / 1024]
        time.sleep(LOOK)
