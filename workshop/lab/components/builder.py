"""The S2I builder image of the lab, made from the kit's folder s2i/ when the lab starts.

No process runs afterwards. It is a component because a pipeline cannot build before the image exists.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING

from workshop.errors import WorkshopError
from workshop.lab import process_environment
from workshop.lab.images.builder import BUILDER_REF, ensure_builder
from workshop.lab.parts import ComponentSpec, Part

if TYPE_CHECKING:
    from workshop.lab.lab import Lab

NAME = "builder"


class Builder:
    """The runner: the part is ready when the image exists."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        lab.show(Part(NAME, "starting"))

    async def run(self) -> None:
        """Make the image in a thread, so that the lab continues to answer."""
        began = time.monotonic()
        state, message = "ready", ""
        try:
            await asyncio.to_thread(self._make)
        except WorkshopError as e:
            state, message = "failed", e.message
        self._lab.show(Part(NAME, state, message=message, seconds=round(time.monotonic() - began, 2)))

    async def stop(self) -> None:
        """Does nothing: there is no process."""

    def _make(self) -> None:
        lab = self._lab
        cache = Path(process_environment.base(lab.paths)["UV_CACHE_DIR"])
        image = ensure_builder(lab.images, lab.kit / "s2i", cache)
        lab.images.tag(BUILDER_REF, image.digest)
        # Notebooks call models with Seldon's client, whose dependencies conflict with MLflow's.
        link = lab.paths.seldon_core
        made = link.with_suffix(".new")
        made.unlink(missing_ok=True)
        made.symlink_to(image.builder_root / "seldon-core")
        made.replace(link)


SPEC = ComponentSpec(make=Builder)
