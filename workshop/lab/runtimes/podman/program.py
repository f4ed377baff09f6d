"""podman as a program: its environment, what it offers on this machine, and calls that wait for it.

`podman info` is asked once. What follows from it, and from the limits of this process, are flags that work for a
rootless podman of a laptop as well as for root in a machine without systemd.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workshop.errors import SetupError

PROGRAM = "podman"
OLDEST = (4, 0)
"""The first version with `--pidfile` for each way to start a container."""
PASSED = (
    "PATH", "HOME", "USER", "LANG", "TMPDIR", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_DATA_HOME",
    "DBUS_SESSION_BUS_ADDRESS", "CONTAINERS_CONF", "CONTAINERS_REGISTRIES_CONF", "CONTAINERS_STORAGE_CONF",
    "REGISTRY_AUTH_FILE", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
    "SSL_CERT_FILE", "SSL_CERT_DIR",
)  # fmt: skip
"""The variables of the user that podman gets: where its storage and its settings are, and the way to registries."""
INSTALL = "install podman 4.0 or newer, for instance: sudo apt-get install podman"
INFO_SECONDS = 30
CAP_SYS_RESOURCE = 24


def environment(env: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment of podman itself."""
    return {name: env[name] for name in PASSED if name in env}


@dataclass(frozen=True)
class Podman:
    """The podman of this machine, as `podman info` describes it."""

    path: str
    version: str
    rootless: bool
    runtime: str
    storage: str
    selinux: bool

    def __str__(self) -> str:
        rights = "rootless" if self.rootless else "as root"
        return f"podman {self.version} {rights}, {self.runtime}, storage {self.storage}: {self.path}"

    @property
    def flags(self) -> tuple[str, ...]:
        """The flags of every container.

        The servers of the lab listen on loopback, so a container has the network of this machine. With SELinux the
        bind mounts would need new labels; the files of a user keep theirs.
        """
        found = ["--network=host", "--http-proxy=false", "--pull=never", "--log-driver=none"]
        if not self.rootless and not may_raise_limits():
            found += limits()
        if self.selinux:
            found.append("--security-opt=label=disable")
        return tuple(found)


def may_raise_limits(status: Path = Path("/proc/self/status")) -> bool:
    """Whether this process has CAP_SYS_RESOURCE. For root podman asks for limits that need it."""
    lines = status.read_text().splitlines()
    effective = next(line.split()[1] for line in lines if line.startswith("CapEff:"))
    return bool(int(effective, 16) >> CAP_SYS_RESOURCE & 1)


def limits() -> Iterator[str]:
    """The limits that this process has, as flags. podman lowers its own number of processes to the largest id."""
    files, processes = (resource.getrlimit(one)[1] for one in (resource.RLIMIT_NOFILE, resource.RLIMIT_NPROC))
    largest = int(Path("/proc/sys/kernel/pid_max").read_text())
    processes = largest if processes == resource.RLIM_INFINITY else min(processes, largest)
    yield f"--ulimit=nofile={files}:{files}"
    yield f"--ulimit=nproc={processes}:{processes}"


def find() -> Podman:
    """The podman of this machine. Raises SetupError when there is none that works."""
    path = shutil.which(PROGRAM)
    if path is None:
        raise SetupError("podman is not installed", hint=INSTALL)
    try:
        done = subprocess.run(
            [path, "info", "--format", "json"],
            env=environment(),
            capture_output=True,
            text=True,
            timeout=INFO_SECONDS,
            check=False,
        )
        found = json.loads(done.stdout) if done.returncode == 0 else None
    except (OSError, ValueError, subprocess.TimeoutExpired) as e:
        raise SetupError(f"podman info does not work: {e}", hint="podman info shows why") from e
    if found is None:
        raise SetupError(f"podman info does not work: {last_line(done.stderr)}", hint="podman info shows why")
    podman = _read(path, found)
    if tuple(int(part) for part in podman.version.split(".")[:2]) < OLDEST:
        raise SetupError(f"podman {podman.version} is too old", hint=INSTALL)
    return podman


def _read(path: str, info: Mapping[str, Any]) -> Podman:
    host, security = info["host"], info["host"].get("security") or {}
    return Podman(
        path,
        str(info["version"]["Version"]).partition("-")[0],
        bool(security.get("rootless")),
        str((host.get("ociRuntime") or {}).get("name")),
        str((info.get("store") or {}).get("graphDriverName")),
        bool(security.get("selinuxEnabled")),
    )


@dataclass(frozen=True)
class Done:
    """The end of a call."""

    code: int
    out: str
    err: str

    @property
    def error(self) -> str:
        """What podman printed last."""
        return last_line(self.err)


async def call(podman: Podman, *words: str) -> Done:
    """Run podman to its end. Raises OSError."""
    process = await asyncio.create_subprocess_exec(
        podman.path,
        *words,
        env=environment(),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    out, err = await process.communicate()
    return Done(process.returncode or 0, out.decode(errors="replace"), err.decode(errors="replace"))


def last_line(text: str) -> str:
    """The last line that says something, without podman's `Error: `."""
    lines: Sequence[str] = [line for line in text.splitlines() if line.strip()] or [""]
    return lines[-1].strip().removeprefix("Error: ")
