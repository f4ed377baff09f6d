"""One class under both servers: each with its own packages, as in the builder, on its own ports."""

from __future__ import annotations

import json
import os
import subprocess
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import urllib3
from prometheus_client.parser import text_string_to_metric_families

from tests.builder import builder
from workshop.lab.images.builder import SERVERS
from workshop.lab.images.run import python

KIT = Path(__file__).resolve().parents[3]
MODULES = {"modelserver": "modelserver", "seldon-core": "seldon_wrapper"}
assert MODULES.keys() == SERVERS.keys()
IDENTITY = {
    "PREDICTIVE_UNIT_METRICS_ENDPOINT": "/prometheus",
    "PREDICTIVE_UNIT_ID": "node",
    "PREDICTIVE_UNIT_IMAGE": "registry/models/late:7",
    "PREDICTOR_ID": "main",
    "PREDICTOR_LABELS": '{"version": "v1"}',
    "SELDON_DEPLOYMENT_ID": "flight-delay",
}
"""What Seldon's operator says to a container."""
Series = dict[tuple[str, tuple[tuple[str, str], ...]], float]


@dataclass(frozen=True)
class Answer:
    """What a server answered: status, the JSON if it is JSON, the text."""

    status: int
    content_type: str
    text: str
    json: Any = field(compare=False)
    headers: Mapping[str, str] = field(compare=False)


def packages(server: str) -> Path:
    """The packages of a server, as the builder image carries them."""
    _, image = builder()
    return image.builder_root / server


def run_check(server: str, model: str, folder: Path, *more: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """What assemble runs at its end: whether a model starts. ``more`` are folders of packages of the model's own."""
    path = os.pathsep.join(map(str, [packages(server), *more, sysconfig.get_path("platlib")]))
    return subprocess.run(
        [python(), "-sS", "-W", "ignore", "-m", MODULES[server], "--check", model],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": path, **env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


class Server:
    """One server with one model, started when it is made; `stop` gives its exit code."""

    def __init__(self, server: str, model: str, folder: Path, env: Mapping[str, str]) -> None:
        # What the model needs comes last: the platform has it.
        path = os.pathsep.join([str(packages(server)), sysconfig.get_path("platlib")])
        self.name, self.folder = server, folder
        self._pool = urllib3.PoolManager(retries=False)
        self._process = subprocess.Popen(
            [python(), "-sS", "-m", MODULES[server], model],
            cwd=folder,
            stderr=subprocess.PIPE,
            text=True,
            env={
                "PATH": os.environ["PATH"],
                "HOME": os.environ["HOME"],
                "OMP_NUM_THREADS": "1",
                "ORT_DISABLE_TELEMETRY": "1",
                "PYTHONPATH": path,
                "PREDICTIVE_UNIT_HTTP_SERVICE_PORT": "0",
                "PREDICTIVE_UNIT_METRICS_SERVICE_PORT": "0",
                **IDENTITY,
                **env,
            },
        )
        self.port, self.metrics_port = self._ready()

    def _ready(self) -> tuple[int, int]:
        assert self._process.stderr is not None
        lines = []
        for line in self._process.stderr:
            lines.append(line)
            if line.startswith("{") and (said := json.loads(line))["event"] == "ready":
                return said["http"], said["metrics"]
        raise AssertionError(f"{self.name} ended before it was ready:\n{''.join(lines)}")

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        """One request; bytes are sent as they are, anything else as JSON."""
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        if data is not None:
            headers.setdefault("content-type", "application/json")
        url = f"http://127.0.0.1:{self.port}{path}"
        got = self._pool.request(method, url, body=data, headers=headers, timeout=20)
        text = got.data.decode()
        try:
            found = json.loads(text)
        except ValueError:
            found = None
        said = {key.lower(): value for key, value in got.headers.items()}
        return Answer(got.status, said.get("content-type", "").partition(";")[0], text, found, said)

    def series(self) -> Series:
        """Every sample of /prometheus by name and labels; which process counted it does not matter."""
        got = self._pool.request("GET", f"http://127.0.0.1:{self.metrics_port}/prometheus", timeout=20)
        assert got.status == 200, got.data
        return {
            (sample.name, tuple(sorted((k, v) for k, v in sample.labels.items() if k != "worker_id"))): sample.value
            for family in text_string_to_metric_families(got.data.decode())
            for sample in family.samples
        }

    def stop(self) -> int:
        """SIGTERM, and the exit code."""
        self._process.terminate()
        self._process.communicate(timeout=60)
        return self._process.returncode
