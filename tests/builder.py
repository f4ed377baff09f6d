"""The lab's builder image, made once for each state of s2i/ and kept in .cache: most of its time is installing."""

from __future__ import annotations

import os
from pathlib import Path

from tests.s2i.flights import KIT, locked
from workshop.lab.images.builder import ensure_builder
from workshop.lab.images.files import remove
from workshop.lab.images.store import Image, ImageStore


def builder() -> tuple[Path, Image]:
    """The folder of a store that holds the builder, and the image. Copy it to change it."""
    with locked("builder") as cache:
        root = cache / "images"
        store = ImageStore(root)
        image = ensure_builder(store, KIT / "s2i", Path(os.environ["UV_CACHE_DIR"]))
        for old in store.images():
            if old.digest != image.digest:
                remove(old.root.parent)
        return root, image
