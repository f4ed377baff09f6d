"""The lab's builder image, made once for each state of s2i/ and kept in .cache: most of its time is installing."""

from __future__ import annotations

import os
from pathlib import Path

from tests.s2i.flights import KIT, locked
from workshop.lab.images.builder import REF, ensure_builder
from workshop.lab.images.files import remove
from workshop.lab.images.store import Image, ImageStore


def builder() -> tuple[Path, Image]:
    """The folder of a store that has the builder, and the image. Removes the images of other states of s2i/.

    An image whose files were changed stays, because other test processes may use it. Its containers end with
    ErrImagePull; then remove .cache/tests/images.
    """
    with locked("builder") as cache:
        root = cache / "images"
        store = ImageStore(root)
        image = ensure_builder(store, KIT / "s2i", Path(os.environ["UV_CACHE_DIR"]))
        for old in store.images():
            if old.digest != image.digest:
                remove(old.root.parent)
        return root, image


def store_with_builder(root: Path) -> ImageStore:
    """A new store in a folder; its builder is the one of `builder`, by a symbolic link."""
    _, image = builder()
    store = ImageStore(root)
    (root / "sha256").mkdir(parents=True)
    (root / "sha256" / image.root.parent.name).symlink_to(image.root.parent)
    store.tag(REF, image.digest)
    return store
