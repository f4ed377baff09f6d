"""The images of the process runtime: a table from an image's name to an environment of the host.

The runtime pulls nothing. An image that a pipeline built is a folder with its own programs. Well-known images of tools
become the platform's environment. A bare distribution becomes a plain shell. Any other name is refused, because
running it with the host's programs would run a different program.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from workshop.lab.paths import KIT
from workshop.lab.runtimes.base import ImageNote, PodError

TOOLBOX = {
    "*mlops-toolbox*": "bash", "buildah": "bash", "git": "git", "git-clone": "git-init", "git-init": "git-init",
    "github-cli": "gh",
    "helm": "helm", "jupyter*": "bash", "k8s-tools": "bash", "kubectl": "kubectl", "node*": "node", "oc": "oc",
    "*openshift-cli*": "bash", "origin-cli": "oc", "ose-cli*": "bash", "pipelines-cli-tkn*": "bash",
    "pipelines-git-init*": "git-init", "python*": "python3", "s2i*": "bash", "skopeo": "skopeo",
    "source-to-image*": "bash", "tkn": "tkn", "uv": "uv", "yq": "yq",
}  # fmt: skip
"""Images of tools: the platform's environment comes first on PATH, then the lab's own tools.

The value is the image's entrypoint, else its default command: what `args` without `command` are given to.
"""

GIT_INIT = "/ko-app/git-init"
"""Where the images that clone have their program."""
OF_ONE_PROGRAM = ("curl", "gh", "helm", "node", "skopeo", "tkn", "yq")
"""Entrypoints without which an image has no use: a machine that lacks one does not have the image."""
BRANCHES = ("stable", "testing", "upstream")
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

KIT_IMAGE = "*mlops-toolbox*"
"""The image that has the kit's own files as well: its variable KIT names their folder, here the kit of this lab."""

DOCKER_ENTRYPOINT = 'if [ "${1#-}" != "$1" ] || [ $# -eq 0 ]; then exec bash "$@"; fi; exec "$@"'
"""What the entrypoint of the image `bash` does with `args`: options are for bash, anything else is a program."""

PLAIN = {
    "almalinux": "bash", "alpine": "sh", "bash": "bash", "busybox": "sh", "centos*": "bash", "curl": "curl",
    "debian": "bash", "fedora*": "bash", "perl": "sh", "rockylinux": "bash", "stream*": "bash",
    "ubi*": "bash", "ubuntu": "bash", "wolfi-base": "sh",
}  # fmt: skip
"""Bare distributions: the host's programs. The value is as above."""


DEBIAN = ("debian", "node*", "perl", "python*", "ubuntu")
"""Images that are made from Debian or Ubuntu, whose `sh` is dash; Red Hat has images of the same names."""
_RED_HAT = re.compile(r"redhat|(?:^|/)ubi\d")


class BuiltImage(Protocol):
    """An image that a pipeline of the lab built."""

    @property
    def digest(self) -> str: ...
    @property
    def env(self) -> Mapping[str, str]: ...
    @property
    def command(self) -> Sequence[str]: ...
    @property
    def roots(self) -> Sequence[Path]: ...
    @property
    def app_root(self) -> Path: ...


class Images(Protocol):
    """Where built images are found: `repository:tag`, `repository@sha256:...` or both."""

    def resolve(self, ref: str) -> BuiltImage | None: ...

    def is_intact(self, digest: str) -> bool: ...


class NoImages:
    """A lab that has built none."""

    def resolve(self, ref: str) -> BuiltImage | None:
        return None

    def is_intact(self, digest: str) -> bool:
        """Whether an image is unchanged: there is none."""
        return False


@dataclass(frozen=True)
class ImageEnvironment:
    """What a container of an image gets. `command` runs when the container names none.

    `roots` are the folders of a built image: a path of the image is in the first that has it.
    """

    name: str
    image_id: str
    roots: Sequence[Path] = ()
    paths: tuple[Path, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    command: tuple[str, ...] = ()
    working_dir: str = ""
    programs: Mapping[str, Path] = field(default_factory=dict)
    """Programs of this machine by their path in the container."""
    dash: bool = False
    """Whether the image's `sh` is dash."""

    def inside(self, path: str) -> str:
        """An absolute path of a built image as the host's path; any other path unchanged."""
        mapped = (root / path.lstrip("/") for root in self.roots)
        return next((str(one) for one in mapped if one.exists()), path)


class ImageTable:
    """Finds the environment of an image. `platform` is a folder of programs, `tools` another."""

    def __init__(self, images: Images, platform: Path, tools: Path | None = None) -> None:
        self._images, self._tools = images, tools
        self._toolbox = (platform, *((tools,) if tools else ()))

    def find(self, ref: str) -> ImageEnvironment:
        """The environment of an image. Raises PodError (ErrImagePull) for one that the lab does not know."""
        built = self.find_built(ref)
        if built is not None:
            return built
        name = base_name(ref)
        dash = any(_matches(pattern, name) for pattern in DEBIAN) and not _RED_HAT.search(ref)
        for pattern, command in TOOLBOX.items():
            if _matches(pattern, name):
                self._check_installed(ref, command)
                env = {"KIT": str(KIT)} if pattern == KIT_IMAGE else {}
                programs = {GIT_INIT: self._tools / command} if self._tools and command == "git-init" else {}
                return ImageEnvironment(
                    "toolbox",
                    "lab/toolbox",
                    paths=self._toolbox,
                    env=env,
                    command=(command,),
                    programs=programs,
                    dash=dash,
                )
        for pattern, command in PLAIN.items():
            if _matches(pattern, name):
                self._check_installed(ref, command)
                if name == "bash":
                    run = ("bash", "-c", DOCKER_ENTRYPOINT, "docker-entrypoint.sh")
                    return ImageEnvironment("plain shell", "lab/plain-shell", command=run)
                return ImageEnvironment("plain shell", "lab/plain-shell", command=(command,), dash=dash)
        raise PodError(
            "ErrImagePull",
            f'image "{ref}": the lab pulls no images and has built none of this name; it has the tools '
            f"{', '.join(TOOLBOX)} and the plain shells {', '.join(PLAIN)}; use one of these, or build it "
            "with a pipeline first",
        )

    def note(self, ref: str) -> ImageNote | None:
        """What runs in place of an image, or that nothing does; None for images of the kit and of its builds."""
        try:
            found = self.find(ref)
        except PodError as e:
            return ImageNote(e.message, missing=True)
        if found.roots or _matches(KIT_IMAGE, base_name(ref)):
            return None
        programs = "the programs of this machine"
        if found.paths:
            programs = "the programs of the kit's environment, then those of this machine"
        return ImageNote(f'image "{ref}": the process runtime uses {programs} in its place, not the image')

    def _check_installed(self, ref: str, program: str) -> None:
        """Raise PodError for an image of one program that this machine does not have."""
        path = ":".join([*map(str, self._toolbox), SYSTEM_PATH])
        if program in OF_ONE_PROGRAM and shutil.which(program, path=path) is None:
            raise PodError(
                "ErrImagePull",
                f'image "{ref}": the lab runs {program} of this machine in its place, and it is not installed; '
                f"install {program}, or run this on a cluster",
            )

    def is_intact(self, digest: str) -> bool:
        """Whether the files of a built image are those that it was built with; reads them all."""
        return self._images.is_intact(digest)

    def find_built(self, ref: str) -> ImageEnvironment | None:
        """The environment of an image that a build of this lab made, or None."""
        built = self._images.resolve(ref)
        if built is None:
            return None
        app_root = built.app_root
        return ImageEnvironment(
            name=built.digest,
            image_id=built.digest,
            roots=built.roots,
            paths=(app_root / "bin",),
            env=dict(built.env),
            command=tuple(built.command),
            working_dir=str(app_root / "src") if (app_root / "src").is_dir() else str(app_root),
        )


def is_known(ref: str) -> bool:
    """Whether the tables have an image, whatever is installed on this machine and whatever was built."""
    name = base_name(ref)
    return any(_matches(pattern, name) for pattern in (*TOOLBOX, *PLAIN))


def base_name(ref: str) -> str:
    """The last part of a name, without registry, tag and digest: ose-cli of r:5000/ocp/ose-cli:v4.

    A branch of a program's releases has the program's name before it: skopeo of quay.io/skopeo/stable:v1.
    """
    *before, last = ref.partition("@")[0].split("/")
    name = last.partition(":")[0].lower()
    return before[-1].lower() if name in BRANCHES and len(before) > 1 else name


def _matches(pattern: str, name: str) -> bool:
    return bool(re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), name))
