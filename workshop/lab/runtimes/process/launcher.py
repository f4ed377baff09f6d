"""Starts and ends every process of the lab through one small launcher process.

The supervisor is a large process with threads, so forking it is slow and unsafe. The launcher process
(`launcher_process.py`) is small and has one thread. When the supervisor is killed with -9, the launcher kills every
process it started and ends.

    launcher = Launcher(paths.run)
    await launcher.open()
    process = await launcher.start(Spec(argv=["sleep", "1"], env={"PATH": "/usr/bin:/bin"}, log=Path("x.log")))
    code = await process.wait()

macOS has no mount namespaces, no subreaper and no parent-death signal; there the calls work without these guarantees.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shlex
import shutil
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workshop.errors import SetupError
from workshop.isolation import interpreter
from workshop.lab.runtimes.base import Mount
from workshop.lab.runtimes.process import entering

CHILD = Path(__file__).with_name("launcher_process.py")
STDERR_NAME = "launcher.log"


@dataclass(frozen=True)
class Spec:
    """What to run. Nothing is inherited: `env` is complete, and standard input is empty.

    `log` gets standard output and, unless `error_log` is given, standard error. Both are appended, and their folders
    must exist. With `mounts` None the process uses the host's file tree; with a list, also an empty one, it gets a
    private one (needs `Launcher.namespaces`), in which a missing `cwd` is created. `rlimits` maps names such as
    "NOFILE" to (soft, hard).
    """

    argv: Sequence[str]
    env: Mapping[str, str]
    log: Path
    cwd: str = "/"
    error_log: Path | None = None
    mounts: Sequence[Mount] | None = None
    rlimits: Mapping[str, tuple[int, int]] = field(default_factory=dict)


class LaunchFailed(SetupError):
    """A process could not be started: no such program, no such folder, a mount that was refused."""


class Process:
    """One running child and everything that it starts."""

    def __init__(self, launcher: Launcher, id_: int, pid: int, exited: asyncio.Future[int]) -> None:
        self._launcher = launcher
        self._id = id_
        self._exited = exited
        self.pid = pid
        """Also its process group and session."""

    @property
    def id(self) -> str:
        """The id that a Pod's status shows."""
        return f"process://{self.pid}"

    @property
    def shell(self) -> Sequence[str]:
        """The command of a shell in its mount namespace."""
        return (*shlex.split(interpreter(sys.executable)), str(entering.FILE), str(self.pid))

    @property
    def code(self) -> int | None:
        """The exit code, or None while it runs."""
        return self._exited.result() if self._exited.done() else None

    async def wait(self) -> int:
        """The exit code; 128 + n when signal n ended it, as in container runtimes."""
        return await asyncio.shield(self._exited)

    def signal(self, number: int) -> None:
        """Send a signal to the whole group; does nothing after its end."""
        if not self._exited.done():
            self._launcher.send({"op": "signal", "id": self._id, "signal": int(number)})

    async def stop(self, grace_seconds: float = 10.0) -> int:
        """SIGTERM, then after the grace SIGKILL; the exit code."""
        self.signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(grace_seconds):
                return await self.wait()
        except TimeoutError:
            self.signal(signal.SIGKILL)
            return await self.wait()


class Launcher:
    """The supervisor's side. There is one for the lab; it replaces a launcher process that died at the next start.

    `run` is a folder of the lab for its log and for the mount point of private roots.
    """

    def __init__(self, run: Path) -> None:
        self._run = run
        self._process: subprocess.Popen[bytes] | None = None
        self._sock: socket.socket | None = None
        self._inbox = bytearray()
        self._outbox = bytearray()
        self._last = 0
        self._starting: dict[int, asyncio.Future[Process]] = {}
        self._running: dict[int, tuple[int, asyncio.Future[int]]] = {}
        self._bash: str | None = None
        self.namespaces = False
        """Whether a process can have its own file tree; known after `open`."""

    async def open(self) -> None:
        """Start the launcher process and check whether the kernel allows mount namespaces. Raises SetupError."""
        self._run.mkdir(parents=True, exist_ok=True)
        self._base.mkdir(exist_ok=True)
        self._bash = _find("bash")
        self._spawn()
        self.namespaces = await self._probe()

    async def close(self) -> None:
        """Kill every process that was started and end the launcher."""
        if self._process is None:
            return
        self._hang_up()
        process = self._process
        await asyncio.to_thread(process.wait)
        self._process = None

    @property
    def pid(self) -> int | None:
        """The launcher process's id."""
        return self._process.pid if self._process else None

    async def start(self, spec: Spec) -> Process:
        """Start a process; returns when it executes. Raises LaunchFailed."""
        if self._process is None or self._sock is None:
            self._spawn()
        self._last += 1
        id_ = self._last
        future: asyncio.Future[Process] = asyncio.get_running_loop().create_future()
        self._starting[id_] = future
        request: dict[str, Any] = {
            "op": "start",
            "id": id_,
            "argv": list(spec.argv),
            "env": dict(spec.env),
            "cwd": spec.cwd,
            "log": str(spec.log),
        }
        if spec.error_log is not None:
            request["error_log"] = str(spec.error_log)
        if spec.rlimits:
            request["rlimits"] = {name: list(pair) for name, pair in spec.rlimits.items()}
        if spec.mounts is not None:
            request["mounts"] = [[str(m.source), m.target, m.read_only] for m in spec.mounts]
            request["base"] = str(self._base)
            request["shell"] = self._bash
        self.send(request)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            # The caller gets no process to stop, so the process must not run.
            future.add_done_callback(_kill_unwanted)
            raise

    def send(self, message: dict[str, Any]) -> None:
        """Send a message to the launcher process; for `Process`."""
        body = json.dumps(message).encode()
        self._outbox += struct.pack("!I", len(body)) + body
        self._flush()

    # -- inside ------------------------------------------------------------------------------------------------

    @property
    def _base(self) -> Path:
        return self._run / "root"

    def _spawn(self) -> None:
        ours, theirs = socket.socketpair()
        for sock in (ours, theirs):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        with (self._run / STDERR_NAME).open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(CHILD), str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(theirs.fileno(),),
                env={"PATH": os.defpath, "LC_ALL": "C.UTF-8"},
                cwd="/",
                start_new_session=True,
                umask=0o022,  # Steps and servers create files as containers do; the lab's folder keeps them private.
            )
        theirs.close()
        ours.setblocking(False)
        self._sock = ours
        self._inbox.clear()
        asyncio.get_running_loop().add_reader(ours.fileno(), self._receive)

    def _hang_up(self) -> None:
        if self._sock is not None:
            loop = asyncio.get_running_loop()
            loop.remove_reader(self._sock.fileno())
            loop.remove_writer(self._sock.fileno())
            self._sock.close()
            self._sock = None
        self._outbox.clear()
        starting, running = self._starting, self._running
        self._starting, self._running = {}, {}
        for started in starting.values():
            if not started.done():
                started.set_exception(LaunchFailed("the launcher ended before the process started"))
                started.exception()
        for pid, exited in running.values():
            _kill_group(pid)
            if not exited.done():
                exited.set_result(128 + signal.SIGKILL)

    def _flush(self) -> None:
        if self._sock is None:
            return
        try:
            while self._outbox:
                del self._outbox[: self._sock.send(self._outbox)]
        except BlockingIOError:
            asyncio.get_running_loop().add_writer(self._sock.fileno(), self._flush)
            return
        except OSError:
            self._lost()
            return
        asyncio.get_running_loop().remove_writer(self._sock.fileno())

    def _receive(self) -> None:
        if self._sock is None:
            return
        try:
            data = self._sock.recv(1 << 20)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._lost()
            return
        self._inbox += data
        while len(self._inbox) >= 4:
            (length,) = struct.unpack("!I", self._inbox[:4])
            if len(self._inbox) < 4 + length:
                return
            event = json.loads(self._inbox[4 : 4 + length])
            del self._inbox[: 4 + length]
            self._happened(event)

    def _happened(self, event: dict[str, Any]) -> None:
        id_ = event["id"]
        match event["event"]:
            case "started":
                exited: asyncio.Future[int] = asyncio.get_running_loop().create_future()
                self._running[id_] = (event["pid"], exited)
                started = self._starting.pop(id_)
                if not started.done():
                    started.set_result(Process(self, id_, event["pid"], exited))
            case "failed":
                failed = self._starting.pop(id_)
                if not failed.done():
                    failed.set_exception(LaunchFailed(event["error"]))
                    failed.exception()
            case "exited":
                _, ended = self._running.pop(id_)
                if not ended.done():
                    ended.set_result(event["code"])

    def _lost(self) -> None:
        """The launcher process ended. Its children end with it; their groups are killed as well."""
        self._hang_up()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    async def _probe(self) -> bool:
        """Try a private file tree once. WORKSHOP_NAMESPACES=off says no, so that both ways can be tested."""
        if sys.platform != "linux" or os.environ.get("WORKSHOP_NAMESPACES") == "off" or self._bash is None:
            return False
        probe = self._run / "probe"
        probe.mkdir(exist_ok=True)
        script = "[[ -d /workspace/probe ]] && ! touch /workspace/probe/file"
        try:
            process = await self.start(
                Spec(
                    argv=["/bin/sh", "-c", script],
                    env={"PATH": os.defpath},
                    log=Path(os.devnull),
                    mounts=[Mount(probe, "/workspace/probe", read_only=True)],
                )
            )
            return await process.wait() == 0
        except LaunchFailed:
            return False


def _kill_unwanted(future: asyncio.Future[Process]) -> None:
    if not future.cancelled() and future.exception() is None:
        future.result().signal(signal.SIGKILL)


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _find(program: str) -> str | None:
    found = shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/bin:/bin")
    return str(Path(found).resolve()) if found else None
