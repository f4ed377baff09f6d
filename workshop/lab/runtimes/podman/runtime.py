"""The podman runtime: each step and sidecar is a container that `podman run` starts and stays attached to.

A Pod's containers share its volumes, by bind mounts, and the network of this machine: the servers of the lab listen on
loopback. There is no Pod of podman, because that would need an image for its first container. Steps are started when
it is their turn, so nothing of the lab has to run inside an image: an image may lack a shell, a libc and a user.

Containers have labels with the lab's folder and process. A lab that starts removes those of an earlier start, and
those whose lab was killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import math
import os
import secrets
import shutil
import signal
from collections.abc import Callable, Sequence
from pathlib import Path

import psutil

from workshop.lab.paths import LabPaths
from workshop.lab.runtimes.base import ContainerSpec, Handle, ImageNote, PodError, on_this_machine
from workshop.lab.runtimes.podman import arguments, images, program
from workshop.lab.runtimes.podman.images import PodmanImage
from workshop.lab.runtimes.podman.program import Podman, call
from workshop.lab.runtimes.process.streams import copying

LAB, PROCESS, POD = "mlops-workshop.lab", "mlops-workshop.process", "io.kubernetes.pod.name"
"""Labels of containers: the lab's folder as a hash, the lab's process, the Pod."""
POLL_SECONDS = 0.01
SHEBANG = "#!/bin/sh\nset -e\n"
NO_FOLDER = "does not exist on container"
"""What podman says of a working directory that the image lacks; other engines make it."""


class PodmanRuntime:
    """Starts containers by podman. Nothing is asked of podman before `open`."""

    isolated = True

    def __init__(self, paths: LabPaths) -> None:
        self._paths = paths
        self._lab = hashlib.sha256(str(paths.root.resolve()).encode()).hexdigest()[:12]
        self._podman: Podman | None = None

    @property
    def podman(self) -> Podman:
        """The podman of this machine, known after `open`."""
        assert self._podman is not None
        return self._podman

    async def open(self) -> None:
        """Find podman, and remove containers of labs that are gone. Raises SetupError."""
        self._podman = await asyncio.to_thread(program.find)
        await self._remove_containers(lambda lab, process: lab == self._lab or not _runs(process))

    async def close(self) -> None:
        """Remove the containers that are left."""
        if self._podman is not None:
            await self._remove_containers(lambda lab, _: lab == self._lab)

    async def image(self, ref: str, pull_policy: str = "") -> PodmanImage:
        """The image of a step or sidecar, pulled if needed. Raises PodError."""
        return await images.find(self.podman, ref, pull_policy)

    async def note(self, ref: str) -> ImageNote | None:
        """Whether podman has an image, would pull it, or cannot have it."""
        return await images.note(self.podman, ref)

    async def start(self, spec: ContainerSpec) -> Handle:
        """Start a container. Raises PodError."""
        image = spec.image
        if not isinstance(image, PodmanImage):
            raise TypeError(f"{image!r} is not an image of the podman runtime")
        await asyncio.to_thread(_prepare, spec)
        name = f"workshop-{self._lab}-{secrets.token_hex(6)}"
        labels = {LAB: self._lab, PROCESS: _process(), POD: spec.folder.name, "io.kubernetes.container.name": spec.name}
        flags = [*self.podman.flags, *(f"--label={key}={value}" for key, value in labels.items())]
        env, own = arguments.passed(arguments.variables(spec, image))
        for made_folder in (False, True):
            # conmon reads it as well, so it stays until the Pod's folder is tidied.
            pidfile = spec.folder / "tmp" / f"{name}.pid"
            words = arguments.run(spec, image, [*flags, *env], name=name, pidfile=str(pidfile), made_folder=made_folder)
            began = _size(spec.log)
            process = await self._spawn(words, own, spec)
            try:
                pid = await _started(process, pidfile)
            except asyncio.CancelledError:
                await asyncio.shield(call(self.podman, "rm", "--force", "--time=0", "--ignore", name))
                raise
            if pid:
                return Container(self.podman, name, pid, process)
            error = _taken_back(spec.log, began)
            if made_folder or NO_FOLDER not in error:
                break
        raise PodError("RunContainerError", error or f"podman ended with exit code {process.returncode}", spec.name)

    async def start_in(self, container: Handle, spec: ContainerSpec) -> Handle:
        """Start a program in a running container by `podman exec`. Raises PodError."""
        if not isinstance(container, Container):
            raise TypeError(f"{container!r} is not a container of the podman runtime")
        words = ["exec", container.name, *spec.command, *spec.args]
        process = await self._spawn(words, program.environment(), spec)
        return Container(self.podman, container.name, process.pid, process, attached=True)

    async def remove(self, folder: Path) -> None:
        """Remove a folder. Files of other users than root are, in a rootless container, not the lab's user's."""
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        if folder.exists() and self.podman.rootless:
            await call(self.podman, "unshare", "rm", "-rf", str(folder))

    async def _spawn(
        self, words: Sequence[str], env: dict[str, str], spec: ContainerSpec
    ) -> asyncio.subprocess.Process:
        command = [self.podman.path, *words]
        if spec.stdout_copy or spec.stderr_copy:
            out, err = (_copy(path, spec) for path in (spec.stdout_copy, spec.stderr_copy))
            command = copying(shutil.which("bash") or "bash", command, out, err)
        with spec.log.open("ab") as log:
            return await asyncio.create_subprocess_exec(
                *command, env=env, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )

    async def _remove_containers(self, wanted: Callable[[str, str], bool]) -> None:
        listed = await call(self.podman, "ps", "--all", f"--filter=label={LAB}", "--format=json")
        found = [
            str(one["Id"])
            for one in json.loads(listed.out or "[]") or ()
            if wanted(one["Labels"][LAB], one["Labels"].get(PROCESS, ""))
        ]
        if found:
            await call(self.podman, "rm", "--force", "--time=0", "--ignore", *found)


class Container:
    """A running container, or with `attached` another program in one."""

    def __init__(
        self, podman: Podman, name: str, pid: int, process: asyncio.subprocess.Process, *, attached: bool = False
    ) -> None:
        self._podman, self.name, self._process, self._attached = podman, name, process, attached
        self.pid = pid
        self._calls: set[asyncio.Task[program.Done]] = set()

    @property
    def id(self) -> str:
        """The id that a Pod's status shows."""
        return f"podman://{self.name}"

    @property
    def shell(self) -> Sequence[str]:
        """The command of a shell in the container."""
        return self._podman.path, "exec", "-it", self.name, "sh"

    @property
    def code(self) -> int | None:
        """The exit code, or None while it runs."""
        return self._process.returncode

    async def wait(self) -> int:
        """The exit code; 128 + n after signal n."""
        code = await self._process.wait()
        await asyncio.gather(*self._calls)
        return 128 - code if code < 0 else code

    def signal(self, number: int) -> None:
        """Send a signal to the first process; does nothing after its end."""
        if self._process.returncode is not None:
            return
        if self._attached:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)
            return
        words = ("kill", f"--signal={int(number)}", self.name)
        task = asyncio.get_running_loop().create_task(call(self._podman, *words))
        self._calls.add(task)
        task.add_done_callback(self._calls.discard)

    async def stop(self, grace_seconds: float = 10.0) -> int:
        """Its image's stop signal, after the grace SIGKILL; the exit code."""
        if self._process.returncode is None:
            if self._attached:
                self.signal(signal.SIGKILL)
            else:
                await call(self._podman, "stop", "--ignore", f"--time={math.ceil(grace_seconds)}", self.name)
        return await self.wait()


async def _started(process: asyncio.subprocess.Process, pidfile: Path) -> int:
    """The id of a container's first process, or 0 when podman has ended without starting one."""
    while True:
        ended = process.returncode is not None
        text = pidfile.read_text() if pidfile.exists() else ""
        if text.strip():
            return int(text)
        if ended:
            return 0
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(process.wait()), POLL_SECONDS)


def _prepare(spec: ContainerSpec) -> None:
    """Write the script, and let any user of the container use what is mounted.

    Volumes of a kubelet are open to all users as well. What git, ssh and docker read becomes the user's own instead,
    because ssh refuses a key that others can read.
    """
    (spec.folder / "tmp").mkdir(parents=True, exist_ok=True)
    folder = spec.working_dir and on_this_machine(arguments.working_dir(spec), spec.mounts or ())
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
    if spec.script is not None:
        text = spec.script.text
        spec.script.file.write_text(text if text.startswith("#!") else SHEBANG + text)
        spec.script.file.chmod(0o755)
    tekton = spec.folder / "tekton"
    private = tekton / "creds", tekton / "home"
    for mount in spec.mounts or ():
        if not mount.source.is_relative_to(spec.folder):
            if not mount.read_only:
                _open(mount.source, 0o777)
            continue
        for place, _, names in os.walk(mount.source):
            folder = Path(place)
            _open(folder, 0o555 if mount.read_only else 0o777)
            if any(folder.is_relative_to(one) for one in private):
                _own(spec, folder, names)
            elif mount.read_only or folder.is_relative_to(tekton):
                for name in names:
                    _open(folder / name, 0o444)


def _own(spec: ContainerSpec, folder: Path, names: Sequence[str]) -> None:
    """Give private files to the container's user, which only root can do."""
    if spec.security.user and os.geteuid() == 0:
        for path in (folder, *(folder / name for name in names)):
            os.chown(path, spec.security.user, -1, follow_symlinks=False)


def _open(path: Path, bits: int) -> None:
    """Add rights; a file of another user of a container keeps its own."""
    with contextlib.suppress(OSError):
        mode = path.stat(follow_symlinks=False).st_mode
        if mode & bits != bits and not path.is_symlink():
            path.chmod(mode & 0o7777 | bits)


def _copy(path: str, spec: ContainerSpec) -> str:
    """The host's path of a file for a copy of the output; empty for no copy. Raises PodError."""
    if not path:
        return ""
    found = on_this_machine(path, spec.mounts or ())
    if found is None:
        message = f"{path} is in no volume of the container; the podman runtime copies output to volumes alone"
        raise PodError(arguments.CONFIG_ERROR, message, spec.name)
    return str(found)


def _size(log: Path) -> int:
    return log.stat().st_size if log.is_file() else 0


def _taken_back(log: Path, began: int) -> str:
    """What podman wrote into a container's log because it could not start it."""
    if not log.is_file():
        return ""
    with log.open("r+b") as file:
        file.seek(began)
        text = file.read().decode(errors="replace")
        file.truncate(began)
    return program.last_line(text)


def _process() -> str:
    """This process, so that another one with the same id is not taken for it."""
    return f"{os.getpid()}-{psutil.Process().create_time():.2f}"


def _runs(process: str) -> bool:
    """Whether the process of a label runs."""
    try:
        number, _, began = process.partition("-")
        return f"{psutil.Process(int(number)).create_time():.2f}" == began
    except (ValueError, psutil.Error):
        return False
