"""The protocol of a runtime: it finds images and starts containers.

A `ContainerSpec` is final: references to ConfigMaps and Secrets are resolved, volumes are folders of this machine.
Paths in it are those that the container sees. The kubelet and Tekton's entrypoint are built on this protocol, so a
second runtime implements two classes and nothing of theirs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
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
class ContainerSpec:
    """A container to start.

    `command` replaces the image's own command, and `args` follow it; a `script` replaces both commands. `env` are the
    container's variables; `defaults` are variables that the image may override. An empty `working_dir` means the
    image's. Without `mounts` (None) the container needs no file tree of its own. `folder` is the Pod's folder, where
    the runtime may keep files. `log` gets standard output and standard error; `stdout_copy` and `stderr_copy` are files
    in the container to which they are appended as well.
    """

    name: str
    image: ContainerImage
    folder: Path
    log: Path
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    script: Script | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    defaults: Mapping[str, str] = field(default_factory=dict)
    working_dir: str = ""
    stdout_copy: str = ""
    stderr_copy: str = ""
    mounts: tuple[Mount, ...] | None = None


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

    def image(self, ref: str) -> ContainerImage:
        """The image of a step or sidecar. Raises PodError (ErrImagePull) when there is none."""
        ...

    def built_image(self, ref: str) -> ContainerImage | None:
        """An image that a build of this lab made, or None: the images of model servers."""
        ...

    async def start(self, spec: ContainerSpec) -> Handle:
        """Start a container; returns when its program executes.

        Raises PodError: CreateContainerError without a command, RunContainerError when it cannot be executed.
        """
        ...
