"""The words of `podman run` and `podman exec` for a container, and the environment of podman for them."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence

from workshop.lab.runtimes.base import ContainerSpec, Mount, PodError, Security
from workshop.lab.runtimes.podman.images import PodmanImage
from workshop.lab.runtimes.podman.program import PASSED, environment

CONFIG_ERROR = "CreateContainerConfigError"
_OF_PODMAN = re.compile(
    r"(?:LD|XDG|CONTAINERS?|_CONTAINERS|STORAGE|DBUS|NOTIFY|LISTEN)_.*|GO(?:DEBUG|GC|MEMLIMIT|MAXPROCS|TRACEBACK)|"
    + "|".join(PASSED)
)
"""Variables that podman itself would read."""
WORKSPACE = "/workspace"
ROOT = ("", "0", "root")


def variables(spec: ContainerSpec, image: PodmanImage) -> dict[str, str]:
    """The variables of a container that are not its image's own."""
    return {name: value for name, value in spec.defaults.items() if name not in image.env} | dict(spec.env)


def passed(env: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
    """The flags for variables, and the environment of podman with their values.

    Every user of a machine can read the arguments of a process, and a variable may be a Secret. So podman gets the
    values in its own environment, except for those that it would read itself.
    """
    words, own = [], environment()
    for name, value in env.items():
        if _OF_PODMAN.fullmatch(name):
            words.append(f"--env={name}={value}")
        else:
            words.append(f"--env={name}")
            own[name] = value
    return words, own


def argv(spec: ContainerSpec, image: PodmanImage) -> list[str]:
    """The program of a container and its arguments. Raises PodError (CreateContainerError) when there is none.

    As in Kubernetes: a `command` replaces both the entrypoint and the command of the image, `args` the latter. For a
    step of Tekton, the command of an image without an entrypoint is its entrypoint.
    """
    if spec.script is not None:
        return [spec.script.path, *spec.args]
    if spec.command:
        return [*spec.command, *spec.args]
    entrypoint = image.command if spec.extends and not image.entrypoint else image.entrypoint
    found = [*entrypoint, *(spec.args or (image.command if entrypoint is image.entrypoint else ()))]
    if not found:
        raise PodError("CreateContainerError", "no command specified", spec.name)
    return found


def run(
    spec: ContainerSpec, image: PodmanImage, flags: Sequence[str], *, name: str, pidfile: str, made_folder: bool = False
) -> list[str]:
    """The words after `podman`. With `made_folder` the working directory is a new one. Raises PodError."""
    program, *rest = argv(spec, image)
    words = ["run", "--rm", f"--name={name}", f"--pidfile={pidfile}", *flags]
    if spec.hostname:
        words.append(f"--hostname={spec.hostname[:63].rstrip('-.')}")
    words += _security(spec.security, image, spec.name)
    for mount in spec.mounts or ():
        words += ["--volume", _volume(mount, spec.name)]
    if spec.working_dir:
        folder = working_dir(spec)
        words.append(f"--workdir={folder}")
        words += [f"--mount=type=tmpfs,destination={folder},tmpfs-mode=0755,notmpcopyup"] if made_folder else []
    return [*words, f"--entrypoint={json.dumps([program])}", image.id, *rest]


def working_dir(spec: ContainerSpec) -> str:
    """The working directory that a container asks for. A relative one is below /workspace, as in Tekton."""
    return posixpath.normpath(posixpath.join(WORKSPACE, spec.working_dir))


def _volume(mount: Mount, container: str) -> str:
    source, target = str(mount.source), mount.target
    if ":" in source or ":" in target:
        raise PodError(CONFIG_ERROR, f"podman cannot mount {source} at {target}: a path with a colon", container)
    return f"{source}:{target}:{'ro' if mount.read_only else 'rw'},rbind"


def _security(security: Security, image: PodmanImage, container: str) -> Iterator[str]:
    user, group = security.user, security.group
    is_root = user == 0 if user is not None else image.user.partition(":")[0] in ROOT
    if security.non_root and is_root:
        raise PodError(CONFIG_ERROR, "container has runAsNonRoot and image will run as root", container)
    if user is not None or group is not None:
        own = image.user.partition(":")[0] or "0"
        yield f"--user={own if user is None else user}{'' if group is None else f':{group}'}"
    yield from (f"--group-add={one}" for one in security.groups)
    if security.privileged:
        yield "--privileged"
    if not security.escalation:
        yield "--security-opt=no-new-privileges"
    if not security.seccomp:
        yield "--security-opt=seccomp=unconfined"
    yield from (f"--cap-drop={one}" for one in security.dropped)
    yield from (f"--cap-add={one}" for one in security.capabilities)
    if security.read_only_root:
        yield from ("--read-only", "--read-only-tmpfs=false")
