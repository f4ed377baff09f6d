"""Starts an image as a host process: the image's command, with its folders on this machine.

The interpreter is the one below the platform's virtual environment, not the environment itself. So a model with a
missing requirement fails here as it does in a container. The process inherits nothing of the caller's environment.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from workshop.lab.images.store import APP_ROOT, BUILDER_ROOT, ImageStore, find

PATH = "/usr/local/bin:/usr/bin:/bin"


def python() -> str:
    """The interpreter for builds and model servers: the base interpreter of this process's environment."""
    return str(Path(sys.executable).resolve())


def image_environment(roots: Sequence[Path], env: dict[str, str]) -> dict[str, str]:
    """The environment of a process in an image: the image's variables, with its folders on this machine.

    `roots` are the folders of the image; the first one has the model.
    """
    app_root = find(roots[:1], env.get("APP_ROOT", APP_ROOT))
    return {
        "PATH": PATH,
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        # One thread for each server: with few cores, many threads make a small model slower.
        "OMP_NUM_THREADS": "1",
        "PYTHONNOUSERSITE": "1",
        "PYTHONUNBUFFERED": "1",
        **env,
        "HOME": str(app_root / "src"),
        "APP_ROOT": str(app_root),
        "BUILDER_ROOT": str(find(roots, env.get("BUILDER_ROOT", BUILDER_ROOT))),
        "PYTHON": python(),
        # The folder of an S2I image's scripts; Red Hat's S2I images set this variable.
        "STI_SCRIPTS_PATH": str(find(roots, "/usr/libexec/s2i")),
        # The image listens on 0.0.0.0 of its container. On a laptop that address is open to the network.
        "MODEL_SERVER_HOST": "127.0.0.1",
        "TMPDIR": os.environ.get("TMPDIR", "/tmp"),  # noqa: S108 the system's own place for scratch files
    }


def inside(roots: Sequence[Path], path: str) -> str:
    """A path of the image as a path on this machine. A word that is not an absolute path is returned unchanged."""
    mapped = find(roots, path)
    return str(mapped) if path.startswith("/") and mapped.exists() else path


@dataclass(frozen=True)
class HostImage:
    """An image for the process runtime: its environment, its command and its folders on this machine."""

    digest: str
    env: Mapping[str, str]
    command: Sequence[str]
    roots: Sequence[Path]
    app_root: Path


class HostImages:
    """The images of a store, for the process runtime."""

    def __init__(self, store: ImageStore) -> None:
        self._store = store

    def is_intact(self, digest: str) -> bool:
        """Whether an image's files are unchanged since its build. Reads them all."""
        return self._store.is_intact(digest)

    def resolve(self, ref: str) -> HostImage | None:
        """The image of a reference, or None when the store does not have it."""
        image = self._store.resolve(ref)
        if image is None:
            return None
        command = tuple(inside(image.roots, word) for word in image.command)
        env = image_environment(image.roots, image.env)
        return HostImage(image.digest, env, command, image.roots, image.app_root)
