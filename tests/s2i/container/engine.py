"""podman and buildah on a storage of the tests' own, and the time that a build took.

As root, without a registry and without systemd: runc, chroot isolation, the host's network, cgroups by file.
"""

from __future__ import annotations

import json
import os
import resource
import secrets
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import urllib3

ULIMITS = '[containers]\ndefault_ulimits = ["nofile=1024:4096", "nproc=1024:1024"]\n'
PIP_CONF = "[global]\nno-index = true\nfind-links = /wheels\n"


@dataclass(frozen=True)
class Took:
    """How long a build took, on the clock and on the processors, and what it printed."""

    wall: float
    cpu: float
    log: str


@dataclass(frozen=True)
class Container:
    """A running model image."""

    engine: Engine
    name: str
    port: int
    metrics_port: int

    def ask(self, method: str, path: str, body: object = None, metrics: bool = False) -> urllib3.BaseHTTPResponse:
        url = f"http://127.0.0.1:{self.metrics_port if metrics else self.port}{path}"
        return urllib3.request(method, url, json=body, timeout=20, retries=False)

    def sh(self, script: str) -> str:
        """What a command in the container prints, run by /bin/sh as the container's user."""
        return self.engine.podman("exec", self.name, "/bin/sh", "-c", script)


@dataclass(frozen=True)
class Engine:
    """The two programs on one storage."""

    storage: Path
    wheels: Path
    settings: Path

    def podman(self, *words: str | Path) -> str:
        return self._run("podman", "--runtime", "runc", "--cgroup-manager", "cgroupfs", *words).stdout

    def buildah(self, *words: str | Path) -> str:
        return self._run("buildah", *words).stdout

    def build(self, file: Path, context: Path, tag: str, *flags: str, program: str = "buildah") -> Took:
        """Build without a network: pip finds the wheels that `make setup` has fetched."""
        (self.settings / "pip.conf").write_text(PIP_CONF)
        mounts = [f"--volume={self.settings / 'pip.conf'}:/etc/pip.conf:ro", f"--volume={self.wheels}:/wheels:ro"]
        began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
        words = ["build", "--isolation", "chroot", *mounts, *flags, "--file", str(file), "--tag", tag, str(context)]
        done = self._run(program, *words)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return Took(time.monotonic() - began, cpu, done.stdout + done.stderr)

    def inspect(self, image: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.podman("image", "inspect", image))[0]["Config"]
        return found

    @contextmanager
    def running(self, image: str, user: str, *flags: str) -> Iterator[Container]:
        """Run a model image as a Pod under restricted-v2 does: any user in group 0, no rights, nothing writable."""
        name = f"test-{secrets.token_hex(4)}"
        restricted = ["--user", user, "--cap-drop", "all", "--security-opt", "no-new-privileges", "--read-only"]
        restricted += ["--tmpfs", "/tmp"]
        ports = ["HTTP", "METRICS"]
        env = [f"--env=PREDICTIVE_UNIT_{port}_SERVICE_PORT=0" for port in ports]
        env += ["--env=PREDICTIVE_UNIT_METRICS_ENDPOINT=/prometheus", "--env=MODEL_SERVER_HOST=127.0.0.1"]
        self.podman(
            "run", "-d", "--name", name, "--network", "host", *restricted, "--tmpfs", "/tmp", *env, *flags, image
        )
        try:
            where = self._ready(name)
            yield Container(self, name, where["http"], where["metrics"])
        finally:
            self.podman("rm", "-f", "-t", "0", "-i", name)

    def _ready(self, name: str) -> dict[str, Any]:
        """Follow the log up to the line that says where the server listens; the log's end is a failure."""
        command = self._command("podman", "--runtime", "runc", "logs", "-f", name)
        with subprocess.Popen(
            command, env=self._env(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as following:
            assert following.stdout is not None
            lines = []
            for line in following.stdout:
                lines.append(line)
                if line.startswith("{") and json.loads(line)["event"] == "ready":
                    following.terminate()
                    found: dict[str, Any] = json.loads(line)
                    return found
        raise AssertionError(f"{name} ended before it was ready:\n{''.join(lines)}")

    def _command(self, program: str, *words: str | Path) -> list[str]:
        return [program, "--root", str(self.storage / "root"), "--runroot", str(self.storage / "run"), *map(str, words)]

    def _env(self) -> dict[str, str]:
        (self.settings / "containers.conf").write_text(ULIMITS)
        return {**os.environ, "CONTAINERS_CONF": str(self.settings / "containers.conf")}

    def _run(self, program: str, *words: str | Path) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            self._command(program, *words), env=self._env(), capture_output=True, text=True, timeout=300, check=False
        )
        assert done.returncode == 0, f"{program} {words}:\n{done.stdout}\n{done.stderr}"
        return done
