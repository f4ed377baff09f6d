"""The protocol of a runtime: it finds images and starts containers.

A `ContainerSpec` is final: references to ConfigMaps and Secrets are resolved, volumes are folders of this machine.
Paths in it are those that the container sees. The kubelet and Tekton's entrypoint are built on this protocol: the order
of steps, results and timeouts are theirs, and the same for each runtime.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Protocol


class PodError(Exception):
    """A Pod or a container cannot be started; `reason` is the kubelet's, such as ErrImagePull."""

    def __init__(self, reason: str, message: str, container: str = "") -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.container = container


@dataclass(frozen=True)
class Mount:
    """A file or folder of the host that a container sees at another path; `target` need not exist."""

    source: Path
    target: str
    read_only: bool = False


def on_this_machine(path: str, mounts: Iterable[Mount]) -> Path | None:
    """The host's path of a path in a container; None for one that is in no writable mount."""
    wanted = PurePosixPath(path)
    inside = [mount for mount in mounts if wanted.is_relative_to(mount.target) and not mount.read_only]
    if not inside:
        return None
    mount = max(inside, key=lambda one: len(one.target))
    return mount.source / wanted.relative_to(mount.target)


@dataclass(frozen=True)
class Security:
    """What the security contexts of a Pod and a container ask for; None leaves it to the image or the runtime.

    `groups` are supplementary groups. `capabilities` are added to those that are left after `dropped`.
    """

    user: int | None = None
    group: int | None = None
    non_root: bool = False
    groups: tuple[int, ...] = ()
    privileged: bool = False
    escalation: bool = True
    capabilities: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    read_only_root: bool = False
    seccomp: bool = True


@dataclass(frozen=True)
class Script:
    """A script that replaces a container's command. The runtime writes `text` to `file` before it starts.

    `file` is the host's path, in a folder that is mounted; `path` is the same file as the container sees it.
    """

    text: str
    file: Path
    path: str


class ContainerImage(Protocol):
    """An image that its runtime found. Only that runtime reads more of it than the id."""

    @property
    def image_id(self) -> str: ...


@dataclass(frozen=True)
class ImageNote:
    """What a user should know of an image before it runs. With `missing` no container can be started from it."""

    text: str
    missing: bool = False


@dataclass(frozen=True)
class ContainerSpec:
    """A container to start.

    `command` replaces the image's own command, and `args` follow it; a `script` replaces both commands. With `extends`
    the `args` follow an image's command also when it has no entrypoint. `env` are the container's variables; `defaults`
    are variables that the image may override. An empty `working_dir` means the image's. Without `mounts` (None) the
    container needs no file tree of its own. `folder` is the Pod's folder, where the runtime may keep files, and
    `hostname` is its name. `log` gets standard output and standard error; `stdout_copy` and `stderr_copy` are files in
    the container to which they are appended as well.
    """

    name: str
    image: ContainerImage
    folder: Path
    log: Path
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    extends: bool = False
    script: Script | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    defaults: Mapping[str, str] = field(default_factory=dict)
    working_dir: str = ""
    stdout_copy: str = ""
    stderr_copy: str = ""
    mounts: tuple[Mount, ...] | None = None
    hostname: str = ""
    security: Security = Security()


class Handle(Protocol):
    """A container that was started."""

    @property
    def id(self) -> str:
        """The container's id as a Pod's status shows it: `<runtime>://<id>`."""
        ...

    @property
    def pid(self) -> int:
        """The id of its first process on this machine."""
        ...

    @property
    def shell(self) -> Sequence[str]:
        """The command of a shell with the container's files and variables."""
        ...

    @property
    def code(self) -> int | None:
        """The exit code, or None while it runs."""
        ...

    async def wait(self) -> int:
        """The exit code; 128 + n after signal n."""
        ...

    def signal(self, number: int) -> None:
        """Send a signal to all of its processes; does nothing after its end."""
        ...

    async def stop(self, grace_seconds: float = 10.0) -> int:
        """SIGTERM, after the grace SIGKILL; the exit code."""
        ...


class Runtime(Protocol):
    """Where containers run."""

    @property
    def isolated(self) -> bool:
        """Whether a container has the files and programs of its image alone; else it sees those of this machine."""
        ...

    async def open(self) -> None:
        """Remove what an earlier lab in the same folder left. Raises SetupError when no container can be started."""
        ...

    async def close(self) -> None:
        """Remove the containers that are left."""
        ...

    async def image(self, ref: str, pull_policy: str = "") -> ContainerImage:
        """The image of a step or sidecar; `pull_policy` is Kubernetes' imagePullPolicy.

        Raises PodError with the kubelet's reason: ErrImagePull, ErrImageNeverPull, InvalidImageName.
        """
        ...

    async def note(self, ref: str) -> ImageNote | None:
        """What a user should know of an image; None for one that runs as it is named. Nothing is pulled."""
        ...

    async def start(self, spec: ContainerSpec) -> Handle:
        """Start a container; returns when its program executes.

        Raises PodError: CreateContainerError without a command, CreateContainerConfigError for what it cannot have,
        RunContainerError when it cannot be executed.
        """
        ...

    async def start_in(self, container: Handle, spec: ContainerSpec) -> Handle:
        """Start another program in a running container; `spec` is that of the container with another command."""
        ...

    async def remove(self, folder: Path) -> None:
        """Remove a folder in which containers have written."""
        ...


class ServingRuntime(Runtime, Protocol):
    """A runtime that can start what a build of the lab made."""

    def image_note(self, ref: str) -> ImageNote | None:
        """As `note`, at once."""
        ...

    def built_image(self, ref: str) -> ContainerImage | None:
        """An image that a build of this lab made, or None: the images of model servers."""
        ...
