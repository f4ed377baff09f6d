"""The S2I builder as an image of the lab: made when the lab starts, from the kit's folder s2i/.

No process runs afterwards; it is listed beside the programs because a pipeline cannot build before it is there.
"""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from workshop.errors import WorkshopError
from workshop.lab.components.base import Component
from workshop.lab.images.builder import LOCKS, ensure_builder, fetch_wheels, warm_cache
from workshop.lab.images.store import ImageStore

BUILDER_REF = "image-registry.openshift-image-registry.svc:5000/mlops-workshop/s2i-model-builder:0.1.0"
"""What the Task s2i-build asks for when nothing else is said."""


class Builder:
    """Looks like a running component; is ready when the image is there."""

    def __init__(
        self, images: ImageStore, kit: Path, uv_cache: Path, seldon_core: Path, changed: Callable[[], None]
    ) -> None:
        self.component = Component(name="builder")
        self.state, self.message, self.seconds = "starting", "", 0.0
        self.pid: int | None = None
        self._images, self._kit, self._uv_cache, self._changed = images, kit, uv_cache, changed
        self._seldon_core = seldon_core

    async def run(self) -> None:
        """Make the image in a thread: the lab answers meanwhile."""
        began = time.monotonic()
        try:
            await asyncio.to_thread(self._make)
            self.state = "ready"
        except WorkshopError as e:
            self.state, self.message = "failed", e.message
        self.seconds = time.monotonic() - began
        self._changed()

    async def stop(self) -> None:
        """Nothing runs."""

    def _make(self) -> None:
        image = ensure_builder(self._images, self._kit / "s2i", self._uv_cache)
        self._images.tag(BUILDER_REF, image.digest)
        # Notebooks call models with Seldon's client, which cannot share an environment with MLflow.
        made = self._seldon_core.with_suffix(".new")
        made.unlink(missing_ok=True)
        made.symlink_to(image.builder_root / "seldon-core")
        made.replace(self._seldon_core)


def warm(kit: Path, uv_cache: Path) -> None:
    """Fetch what a build needs while there is a network; part of `make setup`. Raises EnvironmentFault."""
    known = ["model/requirements.txt", *(f"s2i/{lock}" for lock in LOCKS.values())]
    locks = [kit / lock for lock in known if (kit / lock).exists()]
    for lock in locks:
        warm_cache(lock, uv_cache)
    if shutil.which("podman") or shutil.which("buildah"):
        fetch_wheels(locks, kit / ".cache" / "wheels")


if __name__ == "__main__":
    import os

    from workshop.lab.paths import KIT

    warm(KIT, Path(os.environ.get("UV_CACHE_DIR", str(KIT / ".cache" / "uv"))))
