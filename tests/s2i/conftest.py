"""Real model servers on free ports, started once for each set of settings and test session."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Any, Protocol

import orjson
import pytest
import urllib3

ROOT = Path(__file__).resolve().parents[2]
MODELS = Path(__file__).parent / "models"
GOOD = {"data": {"names": ["carrier", "hour", "distance", "age"], "ndarray": [["UA", 12, 100, None]]}}


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)

    @property
    def info(self) -> str:
        return str(self.json["status"]["info"])


class Server:
    """One running model server and a client for it. `command` replaces the command that starts the server."""

    def __init__(
        self, model: str, env: dict[str, str], folder: Path = MODELS, command: Sequence[str | Path] = ()
    ) -> None:
        base = {key: os.environ[key] for key in ("PATH", "TMPDIR") if key in os.environ}
        self.process = subprocess.Popen(
            command or [sys.executable, "-m", "modelserver", model],
            cwd=folder,
            stderr=subprocess.PIPE,
            env={
                **base,
                "PYTHONPATH": str(ROOT / "s2i" / "server"),
                "PYTHONDONTWRITEBYTECODE": "1",
                "PREDICTIVE_UNIT_HTTP_SERVICE_PORT": "0",
                "PREDICTIVE_UNIT_METRICS_SERVICE_PORT": "0",
                **env,
            },
        )
        self.lines: list[str] = []
        # Read as it comes: a pipe that is full would stop a server that logs.
        self._log: Queue[bytes | None] = Queue()
        Thread(target=self._read, daemon=True).start()
        self.pool = urllib3.PoolManager(retries=False, maxsize=20)
        self.port = self.metrics_port = 0

    def _read(self) -> None:
        assert self.process.stderr is not None
        with self.process.stderr as log:
            for line in log:
                self._log.put(line)
        self._log.put(None)

    def _line(self) -> bytes | None:
        """The next line of the log; None at its end, as often as one asks."""
        line = self._log.get()
        if line is None:
            self._log.put(None)
        return line

    def wait_for(self, event: str) -> dict[str, Any]:
        """Read the log up to an event; the end of the log is a failure."""
        while (raw := self._line()) is not None:
            self.lines.append(raw.decode())
            if raw.startswith(b"{") and json.loads(raw)["event"] == event:
                found: dict[str, Any] = json.loads(raw)
                self.port = found.get("http", self.port)
                self.metrics_port = found.get("metrics", self.metrics_port)
                return found
        raise AssertionError(f"no {event}: " + "".join(self.lines))

    def ask(self, method: str, path: str, body: object = None, metrics: bool = False, **headers: str) -> Answer:
        data = body if isinstance(body, bytes | None) else orjson.dumps(body)
        port = self.metrics_port if metrics else self.port
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if data is not None:
            sent.setdefault("content-type", "application/json")
        got = self.pool.request(method, f"http://127.0.0.1:{port}{path}", body=data, headers=sent, timeout=10)
        return Answer(got.status, {key.lower(): value for key, value in got.headers.items()}, got.data)

    def post(self, body: object, path: str = "/api/v1.0/predictions", **headers: str) -> Answer:
        return self.ask("POST", path, body, False, **headers)

    def get(self, path: str, metrics: bool = False) -> Answer:
        return self.ask("GET", path, metrics=metrics)

    def sample(self, name: str, metrics: bool = False, **labels: str) -> float:
        """The sum of a metric's samples with these labels; `metrics` asks at the metrics port."""
        from prometheus_client.parser import text_string_to_metric_families

        text = self.get("/metrics", metrics).body.decode()
        return sum(
            float(sample.value)
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )

    def stop(self) -> int:
        """SIGTERM, and the exit code; the rest of the log is in `lines`."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=20)
        while (raw := self._line()) is not None:
            self.lines.append(raw.decode())
        return self.process.returncode


class Start(Protocol):
    """How tests start a server: the model's name, then its environment."""

    def __call__(
        self, model: str, shared: bool = True, ready: bool = True, folder: Path = MODELS, **env: str
    ) -> Server: ...


@pytest.fixture(scope="session")
def started() -> Iterator[Start]:
    """Start a server; one that several tests share when `shared` is on (the default)."""
    shared_servers: dict[tuple[object, ...], Server] = {}
    all_servers: list[Server] = []

    def start(model: str, shared: bool = True, ready: bool = True, folder: Path = MODELS, **env: str) -> Server:
        key = (model, *sorted(env.items()))
        if shared and key in shared_servers:
            return shared_servers[key]
        server = Server(model, env, folder)
        all_servers.append(server)
        if ready:
            server.wait_for("ready")
        if shared:
            shared_servers[key] = server
        return server

    yield start
    for server in all_servers:
        if server.process.poll() is None:
            server.process.kill()
        server.process.wait()


@pytest.fixture
def late(started: Start) -> Server:
    return started("Late")


@pytest.fixture
def echo(started: Start) -> Server:
    return started("Echo")
