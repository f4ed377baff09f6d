"""What an image means without a container engine: a table from its name to an environment of the host.

The lab pulls nothing. An image that a pipeline built is a folder with its own programs; the images that Tasks
in the wild name for their tools become the platform's environment; a bare distribution is a plain shell. Any
other name is refused: running it on whatever happens to be installed would be a different program.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from workshop.lab.engines.pod import PodError

TOOLBOX = (
    "*mlops-toolbox*", "buildah", "git", "git-init", "github-cli", "helm", "jupyter*", "k8s-tools", "kubectl",
    "oc", "*openshift-cli*", "origin-cli", "ose-cli*", "pipelines-cli-tkn*", "pipelines-git-init*", "python*",
    "s2i*", "skopeo", "source-to-image*", "tkn", "uv", "yq",
)  # fmt: skip
"""Images of tools: the platform's environment comes first on PATH, then the lab's own tools."""

PLAIN = {
    "almalinux": "bash", "alpine": "sh", "bash": "bash", "busybox": "sh", "centos*": "bash", "curl": "sh",
    "debian": "bash", "fedora*": "bash", "perl": "sh", "rockylinux": "bash", "stream*": "bash",
    "ubi*": "bash", "ubuntu": "bash", "wolfi-base": "sh",
}  # fmt: skip
"""Bare distributions: the host's programs. The value is the image's own default command."""


class BuiltImage(Protocol):
    """An image that a pipeline of the lab built."""

    @property
    def digest(self) -> str: ...
    @property
    def env(self) -> Mapping[str, str]: ...
    @property
    def command(self) -> Sequence[str]: ...
    @property
    def app_root(self) -> Path: ...


class Images(Protocol):
    """Where built images are found: `repository:tag`, `repository@sha256:...` or both."""

    def resolve(self, ref: str) -> BuiltImage | None: ...


class NoImages:
    """A lab that has built none."""

    def resolve(self, ref: str) -> BuiltImage | None:
        return None


@dataclass(frozen=True)
class ImageEnvironment:
    """What a container of an image gets; `command` runs when nothing is asked for."""

    name: str
    image_id: str
    paths: tuple[Path, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    command: tuple[str, ...] = ()
    working_dir: str = ""


class ImageTable:
    """Finds the environment of an image. `platform` is a folder of programs, `tools` another."""

    def __init__(self, images: Images, platform: Path, tools: Path | None = None) -> None:
        self._images = images
        self._toolbox = (platform, *((tools,) if tools else ()))

    def find(self, ref: str) -> ImageEnvironment:
        """The environment of an image. Raises PodError (ErrImagePull) for one that the lab does not know."""
        built = self._images.resolve(ref)
        if built is not None:
            root = built.app_root
            return ImageEnvironment(
                name=built.digest,
                image_id=built.digest,
                paths=(root / "bin",),
                env=dict(built.env),
                command=tuple(built.command),
                working_dir=str(root / "src") if (root / "src").is_dir() else str(root),
            )
        name = base_name(ref)
        if _any_of(TOOLBOX, name):
            return ImageEnvironment("toolbox", "lab/toolbox", self._toolbox, command=("bash",))
        for pattern, shell in PLAIN.items():
            if _any_of((pattern,), name):
                return ImageEnvironment("plain shell", "lab/plain-shell", command=(shell,))
        raise PodError(
            "ErrImagePull",
            f'image "{ref}": the lab pulls no images and has built none of this name; it knows the tools '
            f"{', '.join(TOOLBOX)} and the plain shells {', '.join(PLAIN)}; use one of these, or build it "
            "with a pipeline first",
        )


def base_name(ref: str) -> str:
    """The last part of a name, without registry, tag and digest: ose-cli of r:5000/ocp/ose-cli:v4."""
    path = ref.partition("@")[0]
    last = path.rpartition("/")[2]
    return last.partition(":")[0].lower()


def _any_of(patterns: Sequence[str], name: str) -> bool:
    return any(re.fullmatch(re.escape(p).replace(r"\*", ".*"), name) for p in patterns)
