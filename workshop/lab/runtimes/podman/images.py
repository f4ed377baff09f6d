"""Images of the podman runtime: found in podman's storage, else pulled.

A name without a registry is one of Docker Hub, as on a cluster. An image that podman has as `localhost/NAME` counts
too, so images that were built here need no registry. OpenShift's own registry exists only in a cluster: for its images
the part after the last slash is looked up among those of localhost.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from workshop.lab.runtimes.base import ImageNote, PodError
from workshop.lab.runtimes.podman.program import Podman, call

CLUSTER_REGISTRY = "image-registry.openshift-image-registry.svc"
NEVER, ALWAYS = "Never", "Always"
BUILD = {
    "mlops-toolbox": "podman build -f tekton/toolbox/Containerfile -t localhost/{name} .",
    "s2i-model-builder": "podman build -f s2i/Containerfile -t localhost/{name} s2i",
}
"""How the kit's own images are built, from the root of the kit."""
_HOST = r"(?:[a-zA-Z0-9](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?)(?:\.[a-zA-Z0-9](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?)*(?::\d+)?"
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REFERENCE = re.compile(
    rf"(?:(?P<host>{_HOST})/)?(?P<path>{_PART}(?:/{_PART})*)(?::(?P<tag>\w[\w.-]{{0,127}}))?"
    r"(?:@(?P<digest>[a-z0-9]+(?:[+._-][a-z0-9]+)*:[0-9a-fA-F]{32,}))?"
)
"""The grammar of distribution/reference."""


@dataclass(frozen=True)
class PodmanImage:
    """An image in podman's storage. `id` is what containers are made from; `user` is the text of its USER."""

    id: str
    image_id: str
    user: str = ""
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    working_dir: str = ""


@dataclass(frozen=True)
class Reference:
    """A name of an image in its parts; `text` is as it was written."""

    text: str
    host: str
    path: str
    suffix: str

    @property
    def full(self) -> str:
        return f"{self.host}/{self.path}{self.suffix}"

    @property
    def last(self) -> str:
        """The name without registry and folders."""
        return self.path.rpartition("/")[2] + self.suffix

    @property
    def of_cluster(self) -> bool:
        return self.host.partition(":")[0] == CLUSTER_REGISTRY

    @property
    def candidates(self) -> tuple[str, ...]:
        """Names under which podman may have it."""
        if self.of_cluster:
            return self.full, f"localhost/{self.last}"
        if self.host == "docker.io":
            return self.full, f"localhost/{self.path.removeprefix('library/')}{self.suffix}"
        return (self.full,)


def parse(text: str) -> Reference:
    """The parts of a name. Raises PodError (InvalidImageName)."""
    match = _REFERENCE.fullmatch(text)
    if match is None:
        why = "repository name must be lowercase" if text != text.lower() else "invalid reference format"
        message = f'Failed to apply default image tag "{text}": couldn\'t parse image name "{text}": {why}'
        raise PodError("InvalidImageName", message)
    host, path, digest = match["host"] or "", match["path"], match["digest"]
    if host and not ("." in host or ":" in host or host == "localhost" or host != host.lower()):
        host, path = "", f"{host}/{path}"
    if not host or host == "docker.io":
        host, path = "docker.io", path if "/" in path else f"library/{path}"
    # podman takes a tag or a digest, and the digest is the one that counts.
    return Reference(text, host, path, f"@{digest}" if digest else f":{match['tag'] or 'latest'}")


async def find(podman: Podman, text: str, policy: str = "") -> PodmanImage:
    """The image of a name. Raises PodError with the kubelet's reasons.

    An image without a policy is pulled when podman does not have it, also with the tag `latest`: many labs are offline.
    """
    reference = parse(text)
    here = await _inspect(podman, *reference.candidates)
    if here is not None and (policy != ALWAYS or reference.of_cluster or reference.host == "localhost"):
        return here
    if policy == NEVER:
        raise PodError("ErrImageNeverPull", f'Container image "{text}" is not present with pull policy of Never')
    if reference.of_cluster or reference.host == "localhost":
        raise PodError("ErrImagePull", _not_built(reference))
    pulled = await call(podman, "pull", "--quiet", reference.full)
    found = await _inspect(podman, reference.full) if pulled.code == 0 else None
    if found is None:
        raise PodError("ErrImagePull", f'podman could not pull image "{text}": {pulled.error}')
    return found


async def note(podman: Podman, text: str) -> ImageNote | None:
    """What a user should know of an image that podman does not have."""
    try:
        reference = parse(text)
    except PodError as e:
        return ImageNote(e.message, missing=True)
    if await _inspect(podman, *reference.candidates) is not None:
        return None
    if reference.of_cluster or reference.host == "localhost":
        return ImageNote(_not_built(reference), missing=True)
    return ImageNote(f'image "{text}": podman pulls {reference.full}')


def _not_built(reference: Reference) -> str:
    name = reference.path.rpartition("/")[2]
    names = " or ".join(reference.candidates)
    command = BUILD.get(name, "podman build -t localhost/{name} FOLDER").format(name=reference.last)
    return f'image "{reference.text}": podman has no {names}, and no registry outside of a cluster has it; {command}'


async def _inspect(podman: Podman, *names: str) -> PodmanImage | None:
    for name in names:
        done = await call(podman, "image", "inspect", name)
        if done.code == 0:
            return read(json.loads(done.out)[0])
    return None


def read(found: Mapping[str, Any]) -> PodmanImage:
    """An image as `podman image inspect` describes it."""
    config = found.get("Config") or {}
    pairs = (one.partition("=") for one in config.get("Env") or ())
    id_ = f"sha256:{str(found['Id']).removeprefix('sha256:')}"
    return PodmanImage(
        id_,
        str((found.get("RepoDigests") or [id_])[0]),
        str(config.get("User") or ""),
        tuple(config.get("Entrypoint") or ()),
        tuple(config.get("Cmd") or ()),
        {name: value for name, _, value in pairs},
        str(config.get("WorkingDir") or ""),
    )
