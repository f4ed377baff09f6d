"""Downloads the packages for image builds, and for projects that train with more: in `make setup`.

python -m workshop.lab.images.warm
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from workshop.lab.images.builder import LOCKS, fetch_wheels, warm_cache
from workshop.lab.paths import KIT


def warm(kit: Path, uv_cache: Path) -> None:
    """Download the packages of all locks into uv's cache, and wheels for container builds. Raises SetupError."""
    known = ["model/requirements.txt", *(f"s2i/{lock}" for lock in LOCKS.values())]
    locks = [kit / lock for lock in known if (kit / lock).exists()]
    for lock in (*locks, *(kit / "workshop/template/project").glob("*requirements-train.txt*")):
        warm_cache(lock, uv_cache)
    if shutil.which("podman") or shutil.which("buildah"):
        fetch_wheels(locks, kit / ".cache" / "wheels")


if __name__ == "__main__":
    warm(KIT, Path(os.environ.get("UV_CACHE_DIR", str(KIT / ".cache" / "uv"))))
