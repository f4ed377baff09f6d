"""A lab of its own for the soak, and what can be seen of it from outside."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import psutil

from tests.kit import until
from workshop.cluster.client import Client
from workshop.cluster.jsonhttp import ask
from workshop.lab.paths import KIT, LabPaths
from workshop.lab.report import Report, read, running_pid

REQUEST = (KIT / "seldon" / "requests" / "flight.json").read_bytes()
ENDED_SECONDS = 120.0
UP_SECONDS = 600.0
"""A start takes 3 s on an idle machine."""
HEALTHY_SECONDS = 300.0
DOWN_SECONDS = 60.0
LAB_SECONDS = 1200.0


class Lab:
    """One state folder. Its supervisor is started by `workshop up`, as a participant does."""

    def __init__(self, state: Path) -> None:
        self.state = LabPaths(state)
        self.env = {
            **os.environ,
            "WORKSHOP_STATE": str(state),
            "WORKSHOP_PORTS": "free",
            "NO_COLOR": "1",
        }

    def workshop(self, *words: str, env: Mapping[str, str] | None = None, seconds: float = 240.0) -> str:
        """Run a command of the command line; its output. Raises AssertionError when it fails or is late."""
        try:
            done = subprocess.run(
                [sys.executable, "-m", "workshop", *words],
                cwd=KIT,
                env={**self.env, **(env or {})},
                capture_output=True,
                text=True,
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired as e:
            raise AssertionError(f"workshop {' '.join(words)} has not ended after {seconds:g} s") from e
        assert done.returncode == 0, f"workshop {' '.join(words)} ended with {done.returncode}: {done.stderr[-600:]}"
        return done.stdout

    def up(self, env: Mapping[str, str] | None = None) -> None:
        """Start the lab and wait until it is ready."""
        self.workshop("up", "--timeout", f"{UP_SECONDS:g}", env=env, seconds=UP_SECONDS + 60)

    def down(self) -> None:
        """Stop the lab. Raises AssertionError when a process of it is left."""
        family = self.processes()
        self.workshop("down")
        _, left = psutil.wait_procs(family, timeout=10)
        assert not left, f"left after workshop down: {', '.join(_line(one) for one in left)}"

    def end(self) -> None:
        """Stop the lab whatever its state is."""
        with suppress(AssertionError):
            self.workshop("down", seconds=DOWN_SECONDS)
        for process in self.processes():
            with suppress(psutil.Error):
                process.kill()

    @property
    def report(self) -> Report:
        """The state that the supervisor has written. Raises AssertionError without one."""
        found = read(self.state)
        assert found is not None, "the lab has no report"
        return found

    def endpoint(self, name: str) -> str:
        """The URL of an endpoint. Raises OSError, as a request would, when it has no address now."""
        report = read(self.state)
        url = report.endpoints.get(name) if report else None
        if not url:
            raise OSError(f"the lab has no {name} now")
        return url

    @property
    def token(self) -> str:
        """The participant's token for all servers but the API."""
        return self.state.token.read_text().strip()

    def client(self) -> Client:
        """A client of the lab's API as the participant."""
        return Client.load(self.state.kubeconfig)

    def pids(self, part: str) -> set[int]:
        """The process ids of the parts with a name; `lab` is the supervisor. A model has one for each replica."""
        return {one.pid for one in self.report.components if one.name == part and one.pid is not None}

    def processes(self) -> list[psutil.Process]:
        """All processes of the lab."""
        pid = running_pid(self.state)
        with suppress(psutil.Error):
            if pid is not None:
                first = psutil.Process(pid)
                return [first, *first.children(recursive=True)]
        return []

    def memory(self) -> int:
        """Bytes of the supervisor, the components and the model servers; steps of TaskRuns do not count."""
        total = 0
        for part in self.report.components:
            with suppress(psutil.Error):
                if part.pid is not None:
                    first = psutil.Process(part.pid)
                    family = [first] if part.name in ("lab", "launcher") else [first, *first.children(recursive=True)]
                    total += sum(one.memory_info().rss for one in family)
        return total

    def unhealthy(self) -> str:
        """Why the lab is not healthy; empty if every part is ready and production, MLflow and the API answer."""
        report = read(self.state)
        if report is None or running_pid(self.state) is None:
            return "the supervisor does not run"
        if report.phase != "ready":
            return f"the lab is {report.phase}"
        for part in report.components:
            if part.state not in ("ready", "missing"):
                return f"{part.name} is {part.state}: {part.message}"
        try:
            answer = ask(self.endpoint("production"), REQUEST, seconds=5)
            if answer.status != 200:
                return f"production answers {answer.status}: {answer.text}"
            answer = ask(f"{self.endpoint('mlflow')}/health", token=self.token, seconds=5)
            if answer.status != 200:
                return f"MLflow answers {answer.status}: {answer.text}"
            self.client().list("configmaps")
        except Exception as e:
            return f"{type(e).__name__}: {e}"
        return ""

    def until_healthy(self, seconds: float = HEALTHY_SECONDS) -> float:
        """Wait until the lab is healthy; the seconds that it took. Raises AssertionError with the reason."""
        began = time.monotonic()
        assert running_pid(self.state) is not None, "the supervisor does not run"
        until(lambda: not self.unhealthy(), seconds, lambda: f"healthy: {self.unhealthy()}", pause=0.2)
        return time.monotonic() - began

    def until_replaced(self, part: str, old: set[int]) -> None:
        """Wait until as many processes as `old` run a part, and none of the old ones."""

        def replaced() -> bool:
            now = self.pids(part)
            return len(now) >= len(old) and not now & old

        until(replaced, ENDED_SECONDS, f"{part} starts again")


def _line(process: psutil.Process) -> str:
    with suppress(psutil.Error):
        return f"{process.pid} {' '.join(process.cmdline())[:80]}"
    return str(process.pid)
