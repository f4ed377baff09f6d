"""How an image is started as a host process: its own command, with its own folders in place of the container's.

The interpreter is the one below the platform's virtual environment, not the environment itself, so a model that
forgot a requirement fails here as it would in a container. Nothing of the caller's environment is passed on.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from workshop.lab.images.store import ImageStore

PATH = "/usr/local/bin:/usr/bin:/bin"


def python() -> str:
    """The interpreter for builds and model servers: the one that this process's environment was made from."""
    return str(Path(sys.executable).resolve())


def image_environment(root: Path, env: dict[str, str]) -> dict[str, str]:
    """The environment of a process inside an image: the image's variables, its folders as they are here."""
    app_root = env.get("APP_ROOT", "/opt/app-root")
    builder_root = env.get("BUILDER_ROOT", "/opt/builder")
    return {
        "PATH": PATH,
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        # One thread a server: many threads on few cores make a small model slower, not faster.
        "OMP_NUM_THREADS": "1",
        "PYTHONNOUSERSITE": "1",
        "PYTHONUNBUFFERED": "1",
        **env,
        "HOME": str(root / app_root.lstrip("/") / "src"),
        "APP_ROOT": str(root / app_root.lstrip("/")),
        "BUILDER_ROOT": str(root / builder_root.lstrip("/")),
        "PYTHON": python(),
        # Where an S2I image keeps its scripts; the name is the one that Red Hat's S2I images set.
        "STI_SCRIPTS_PATH": str(root / "usr/libexec/s2i"),
        # The image says 0.0.0.0, which in a container is the container's own; on a laptop it is the room's.
        "MODEL_SERVER_HOST": "127.0.0.1",
        "TMPDIR": os.environ.get("TMPDIR", "/tmp"),  # noqa: S108 the system's own place for scratch files
    }


def inside(root: Path, path: str) -> str:
    """A path of the image as it is here; a word that is no absolute path stays as it is."""
    mapped = root / path.lstrip("/")
    return str(mapped) if path.startswith("/") and mapped.exists() else path


@dataclass(frozen=True)
class HostImage:
    """An image as the process runtime sees it: its environment, its command and its folders on this machine."""

    digest: str
    env: Mapping[str, str]
    command: Sequence[str]
    root: Path
    app_root: Path


class HostImages:
    """The images of a store, for the process runtime."""

    def __init__(self, store: ImageStore) -> None:
        self._store = store

    def is_intact(self, digest: str) -> bool:
        """Whether an image's files are those that it was built with; reads them all."""
        return self._store.is_intact(digest)

    def resolve(self, ref: str) -> HostImage | None:
        """The image of a reference, or None when the store has none."""
        image = self._store.resolve(ref)
        if image is None:
            return None
        command = tuple(inside(image.root, word) for word in image.command)
        env = image_environment(image.root, image.env)
        return HostImage(image.digest, env, command, image.root, image.app_root)
